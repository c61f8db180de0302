"""What several lifespans do to one application object: each next one may overwrite what the last one left there.

Worker threads share the application, and each runs its lifespan on its own event loop. ``app.state.pool = ...``, the
commonest pattern there is, then leaves only the pool of the worker that started last, bound to that worker's loop.
Frameworks do the same with what is their own: Litestar's event emitter, an attribute of the application, keeps the exit
stack of its task group, so the shutdown of one worker leaves the task group of another and fails.
`SharedState` compares the application's state after each startup and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import types
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.hints import CURES, CURES_OF_FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SharedState"]

_log = logging.getLogger("pounce.lifespan")

_WRAPPERS: Final = 10
"""How many middleware objects around the application are looked through."""

_LEFT_BY_WHO_ENTERED: Final = (contextlib.AsyncExitStack, asyncio.TaskGroup, asyncio.Task)
"""What only the worker can end that began it. Of events and locks the replaced one is often not missed."""


class SharedState:
    """Watches the state of one application object that several lifespans start in turn. Safe in any thread."""

    def __init__(self, app: object) -> None:
        """``app`` is the application as the user wrote it; Starlette's kind of middleware around it is looked through.

        The values of its state are kept alive from one startup to the next, so that none can be mistaken for another.
        """
        self._app = app
        self._lock = threading.Lock()
        self._after: dict[str, Any] | None = None  # as the last startup left it
        self._entered: dict[tuple[str, ...], Any] = {}  # that, too
        self._told = False
        self._told_of_framework = False

    def started(self) -> tuple[str, ...]:
        """Call it after each startup: the attributes that this one replaced, each as ``app.state.name``, or as
        ``app.name`` where the framework keeps something there that its shutdown leaves.

        The first time that there are any of a kind, one line is logged.
        """
        return (*self._replaced_state(), *self._replaced_by_framework())

    def _replaced_by_framework(self) -> tuple[str, ...]:
        with self._lock:
            before, self._entered = self._entered, dict(_entered(self._app))
            lost = (path for path, value in self._entered.items() if before.get(path, value) is not value)
            replaced = tuple(dict.fromkeys(f"app.{path[0]}" for path in lost))
            tell = bool(replaced) and not self._told_of_framework
            self._told_of_framework = self._told_of_framework or tell
        if tell:
            _log.warning(
                "The application keeps in %s what its lifespan has to end, and worker threads share the application: "
                "the lifespan of one worker replaced what that of another had begun, so the shutdown may fail. What "
                "helps: %s",
                ", ".join(replaced),
                CURES_OF_FRAMEWORKS,
            )
        return replaced

    def _replaced_state(self) -> tuple[str, ...]:
        with self._lock:
            before, self._after = self._after, _attributes(self._app)
            if before is None:
                return ()
            replaced = tuple(
                f"app.state.{name}"
                for name, value in self._after.items()
                if name in before and not _same(before[name], value)
            )
            tell = bool(replaced) and not self._told
            self._told = self._told or tell
        if tell:
            names = ", ".join(replaced)
            _log.warning(
                "The lifespan of one worker replaced what that of another had stored in %s, and all of them now use "
                "the last one; a pool or a client belongs to the event loop of one worker and fails on the others. "
                "What helps: %s",
                names,
                CURES,
            )
        return replaced


def _attributes(app: object) -> dict[str, Any]:
    """What is stored in the application's ``state``; empty if it has none."""
    for one in _layers(app):
        state = _attribute(one, "state")
        if state is None:
            continue
        # Starlette's and Litestar's keep the attributes in a dict of their own; others are plain objects, or a dict.
        inner = _attribute(state, "_state")
        kept = next((one for one in (inner, state, _attribute(state, "__dict__")) if isinstance(one, dict)), {})
        return {str(name): value for name, value in kept.copy().items()}
    return {}


def _entered(app: object) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What the application, or something that it has as an attribute, keeps of a lifespan that is under way."""
    for layer in _layers(app):
        for name, value in _members(layer):
            if name in ("app", "state"):  # looked at elsewhere
                continue
            if _has_to_be_left(value):
                yield (name,), value
            yield from (((name, inner), kept) for inner, kept in _members(value) if _has_to_be_left(kept))


def _has_to_be_left(value: object) -> bool:
    return isinstance(value, _LEFT_BY_WHO_ENTERED) or type(value).__name__ == "TaskGroup"  # anyio's


def _members(holder: object) -> Iterator[tuple[str, Any]]:
    """Its own attributes, of its dict and of its slots; nothing is called for them."""
    kept = _attribute(holder, "__dict__")
    if isinstance(kept, dict):
        yield from kept.copy().items()
    for one in type(holder).__mro__:
        for name, member in vars(one).items():
            if isinstance(member, types.MemberDescriptorType) and not isinstance(holder, type):
                with contextlib.suppress(AttributeError):
                    yield name, member.__get__(holder)


def _layers(app: object) -> list[object]:
    """The application, and what it wraps: ASGI middleware usually calls it ``app``."""
    layers: list[object] = []
    while app is not None and len(layers) < _WRAPPERS and not any(app is one for one in layers):
        layers.append(app)
        app = _attribute(app, "app")
    return layers


def _attribute(holder: object, name: str) -> Any:
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001 - a property of the application's may do anything; then it tells us nothing
        return None


def _same(before: object, after: object) -> bool:
    """Whether nothing was lost: it is the same, or an equal value that does not change (so it can be hashed)."""
    if before is after:
        return True
    if type(before) is not type(after) or not isinstance(before, Hashable):
        return False
    try:
        return bool(before == after)
    except Exception:  # noqa: BLE001 - foreign code compares; what cannot be compared is another
        return False
