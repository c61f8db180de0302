"""Subscriptions to lifecycle records that come and go while workers run.

There is one registry in a process, `SUBSCRIPTIONS`: it knows who subscribed and the `LiveListeners` of every worker.
Each change composes new `Listeners` for each of them and puts them in place from the thread that changes: contexts hold
nothing but a reference to something immutable, so that the worker's thread sees the old ones or the new ones.

No lock is held while a listener is called.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, Self

from pounce_asgi.listeners import RECORD_TYPES, Listeners, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from pounce_asgi.exchange_context import ExchangeContext

__all__ = ["DEEPEST", "SUBSCRIPTIONS", "LiveListeners", "Subscription", "Subscriptions"]

DEEPEST: Final = 8
"""How often a listener may be within its own call, when what it does causes records that it listens to."""

_error_log = logging.getLogger("pounce.error")


class _Depth(threading.local):
    """How often this thread is within a listener."""

    now = 0


class Subscription:
    """One listener, until it is cancelled. Its methods are for any thread, and for the listener itself."""

    __slots__ = ("_depth", "_listener", "_registry", "_told", "active", "origins", "records")

    def __init__(
        self,
        registry: Subscriptions,
        listener: Callable[[Any], object],
        records: tuple[type[Any], ...],
        origins: tuple[Mapping[str, Any], ...],
    ) -> None:
        self.active = True
        """It was not cancelled."""
        self.records = records
        self.origins = origins
        """The globals of the code that subscribed."""
        self._registry = registry
        self._listener = listener
        self._depth = _Depth()
        self._told = False

    def cancel(self) -> None:
        """Hear no more: no call begins after this returns, except of a thread that was just about to begin it."""
        self.active = False
        self._registry.changed()

    def hear(self, record: Any) -> None:
        """Call the listener, unless its own calls have caused this one again and again. What it raises is logged."""
        depth = self._depth
        if depth.now >= DEEPEST:
            if not self._told:
                self._told = True
                _error_log.error("A listener to records causes them without end, and is not told: %r", self._listener)
            return
        if self.active:
            depth.now += 1
            try:
                self._listener(record)
            except (Exception, asyncio.CancelledError):  # noqa: BLE001 - a foreign callable; see Listeners.of
                _error_log.exception("A listener to %s raised: %r", type(record).__name__, self._listener)
            finally:
                depth.now -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()


class LiveListeners:
    """What the contexts of one worker tell: its own listeners, and whoever has subscribed. For any thread."""

    __slots__ = ("__weakref__", "_contexts", "_hears", "_own", "now")

    def __init__(self, own: Listeners, hears: Callable[[Subscription], bool]) -> None:
        """``hears``: whether a subscription is for this worker. It must not wait for anything."""
        self.now = own
        """What is in place."""
        self._own = own
        self._hears = hears
        # Changed under the registry's lock alone. A worker that has ended lets go of its contexts.
        self._contexts: list[weakref.ref[ExchangeContext[Any]]] = []

    def join(self, context: ExchangeContext[Any]) -> None:
        """Let this context tell too."""
        SUBSCRIPTIONS.join(self, context)

    def compose(self, members: Iterable[Subscription]) -> None:
        """Put those in place; called by the registry."""
        heard = [Subscriber(one.hear, *one.records, trusted=True) for one in members if self._hears(one)]
        self.now = self._own.beside(*heard) if heard else self._own
        alive = []
        for reference in self._contexts:
            context = reference()
            if context is not None:
                context.listen(self.now)
                alive.append(reference)
        self._contexts = alive

    def add(self, context: ExchangeContext[Any]) -> None:
        """Called by the registry."""
        self._contexts.append(weakref.ref(context))
        context.listen(self.now)


class Subscriptions:
    """Who subscribed, and whose workers tell. For any thread."""

    def __init__(self) -> None:
        # Reentrant: garbage that is collected while it is held may cancel a subscription. It guards the other two.
        self._lock = threading.RLock()
        self._members: tuple[Subscription, ...] = ()
        self._told: list[weakref.ref[LiveListeners]] = []

    def subscribe(
        self,
        listener: Callable[[Any], object],
        *records: type[Any],
        origins: tuple[Mapping[str, Any], ...] = (),
    ) -> Subscription:
        """Call ``listener`` with every record of these types, of all types without any, from now on.

        Raises:
            ValueError: something is no type of record.
        """
        chosen = Subscriber(listener, *(records or RECORD_TYPES)).records
        subscription = Subscription(self, listener, chosen, origins)
        with self._lock:
            self._members = (*self._members, subscription)
            self.changed()
        return subscription

    def live(self, own: Listeners, hears: Callable[[Subscription], bool] = lambda _: True) -> LiveListeners:
        """The listeners of one worker: its own, and those subscribed for which ``hears`` is true."""
        listeners = LiveListeners(own, hears)
        with self._lock:
            self._told.append(weakref.ref(listeners))
            listeners.compose(self._members)
        return listeners

    def join(self, listeners: LiveListeners, context: ExchangeContext[Any]) -> None:
        """See `LiveListeners.join`."""
        with self._lock:
            listeners.add(context)

    def end(self, ended: Callable[[Subscription], bool]) -> None:
        """Cancel those for which ``ended`` is true."""
        with self._lock:
            for one in self._members:
                if ended(one):
                    one.active = False
            self.changed()

    def changed(self) -> None:
        """Let every worker tell those who are subscribed now."""
        with self._lock:
            # Asked of each: one that was cancelled while the tuple was made is not to come back.
            members = self._members = tuple(one for one in self._members if one.active)
            alive = []
            for reference in self._told:
                listeners = reference()
                if listeners is not None:
                    listeners.compose(members)
                    alive.append(reference)
            self._told = alive


SUBSCRIPTIONS: Final = Subscriptions()
"""Those of this process."""
