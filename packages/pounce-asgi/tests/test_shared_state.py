"""What a second lifespan replaces on a shared application is named, once."""

from __future__ import annotations

import contextlib
import logging
import types
from typing import Any

import pytest

from pounce_asgi.shared_state import SharedState


class Pool:
    """Like any pool: none equals another."""


class Settings:
    """A value that can be compared, but not hashed: it may change."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings)

    __hash__ = None  # type: ignore[assignment]


class Incomparable:
    def __eq__(self, other: object) -> bool:
        raise TypeError("no")

    def __hash__(self) -> int:
        return 1


class Moody:
    """An application of which nothing can be asked."""

    @property
    def state(self) -> object:
        raise RuntimeError("not now")

    app = state


def plain() -> Any:
    return types.SimpleNamespace(state=types.SimpleNamespace())


class State:
    """Keeps its attributes in a dict of its own, as Starlette's does."""

    _state: dict[str, Any]

    def __init__(self) -> None:
        super().__setattr__("_state", {})

    def __setattr__(self, name: str, value: object) -> None:
        self._state[name] = value


def starlette() -> Any:
    return types.SimpleNamespace(state=State())


@pytest.mark.parametrize("make", [plain, starlette])
def test_a_replaced_pool_is_named_once(make: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = make()
    shared = SharedState(app)
    replaced = []
    for worker in range(4):
        app.state.pool = Pool()
        app.state.redis = Pool()
        app.state.name = "shop"
        setattr(app.state, f"worker_{worker}", Pool())
        replaced.append(shared.started())
    names = ("app.state.pool", "app.state.redis")
    assert replaced == [(), names, names, names]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pounce.lifespan", logging.WARNING)
    line = record.getMessage()
    assert "app.state.pool, app.state.redis" in line
    assert all(cure in line for cure in ("as state", "--factory", "--worker-kind process"))
    assert "\n" not in line


ONE = Pool()


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        (ONE, ONE, False),
        (1, 1, False),
        (None, None, False),
        ("a" * 50, "".join(["a"] * 50), False),
        ((1, ONE), (1, ONE), False),
        (frozenset("ab"), frozenset("ba"), False),
        (1, 2, True),
        (1, True, True),
        (None, ONE, True),
        (Pool(), Pool(), True),
        ((Pool(),), (Pool(),), True),
        ([], [], True),
        (Settings(), Settings(), True),
        (Incomparable(), Incomparable(), True),
    ],
)
def test_what_counts_as_replaced(first: object, second: object, named: bool) -> None:
    app = plain()
    shared = SharedState(app)
    app.state.it = first
    assert shared.started() == ()
    app.state.it = second
    assert shared.started() == (("app.state.it",) if named else ())


def test_state_that_is_a_dict() -> None:
    app = types.SimpleNamespace(state={"pool": Pool()})
    shared = SharedState(app)
    shared.started()
    app.state["pool"] = Pool()
    assert shared.started() == ("app.state.pool",)


def test_middleware_is_looked_through() -> None:
    app = starlette()
    shared = SharedState(types.SimpleNamespace(app=types.SimpleNamespace(app=app)))
    app.state.pool = Pool()
    shared.started()
    app.state.pool = Pool()
    assert shared.started() == ("app.state.pool",)


def test_what_is_removed_or_new_was_not_replaced() -> None:
    app = plain()
    shared = SharedState(app)
    app.state.old = Pool()
    shared.started()
    del app.state.old
    app.state.new = Pool()
    assert shared.started() == ()


def circle() -> Any:
    app = types.SimpleNamespace()
    app.app = app
    return app


@pytest.mark.parametrize("app", [lambda: None, Moody(), circle(), types.SimpleNamespace(state=5), None])
def test_an_application_without_state_says_nothing(app: object, caplog: pytest.LogCaptureFixture) -> None:
    shared = SharedState(app)
    assert [shared.started() for _ in range(3)] == [(), (), ()]
    assert not caplog.records


class Emitter:
    """Keeps what it enters, as Litestar's does."""

    __slots__ = ("_exit_stack", "listeners")

    def start(self) -> None:
        self._exit_stack = contextlib.AsyncExitStack()


class Framework:
    def __init__(self) -> None:
        self.event_emitter = Emitter()
        self.title = "shop"
        self.state = State()


def test_what_a_framework_has_to_leave_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    app = Framework()
    shared = SharedState(types.SimpleNamespace(app=app))
    replaced = []
    for title in ("one", "two", "three"):
        app.event_emitter.start()
        app.title = title
        replaced.append(shared.started())
    assert replaced == [(), ("app.event_emitter",), ("app.event_emitter",)]
    (record,) = caplog.records
    line = record.getMessage()
    assert "in app.event_emitter what its lifespan has to end" in line
    assert all(cure in line for cure in ("--factory", "--worker-kind process", "--lifespan-scope server"))


def test_what_stays_with_the_framework_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    app = Framework()
    app.event_emitter.start()
    shared = SharedState(app)
    assert [shared.started() for _ in range(3)] == [(), (), ()]
    assert caplog.records == []
