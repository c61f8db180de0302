"""What happens in the server, told to whoever asks: lifecycle records, and subscriptions to them.

::

    from pounce.events import RequestFailed, ResponseCompleted, subscribe

    def slow(record: ResponseCompleted) -> None:
        if record.duration > 1.0:
            print(record.method, record.raw_path, record.duration)

    subscribe(slow, ResponseCompleted)

A subscription is good for the process in which it is made: for all worker threads of that process, and in each worker
process for itself when the application is imported there. The listener is called in the thread that serves the
connection, and by several threads at once; it must be quick and must not block.
"""

from __future__ import annotations

import inspect
import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from pounce_asgi.collectors import BufferedCollector, CompositeCollector
from pounce_asgi.lifecycle import (
    ClientDisconnected,
    ClientTimedOut,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionRefused,
    LifecycleRecord,
    LimitHit,
    RequestFailed,
    RequestStarted,
    ResponseCompleted,
    ResponseStarted,
    StreamReset,
    WebSocketClosed,
    WebSocketOpened,
)
from pounce_asgi.subscriptions import SUBSCRIPTIONS, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

__all__ = [
    "BufferedCollector",
    "ClientDisconnected",
    "ClientTimedOut",
    "CompositeCollector",
    "ConnectionClosed",
    "ConnectionOpened",
    "ConnectionRefused",
    "LifecycleRecord",
    "LimitHit",
    "RequestFailed",
    "RequestStarted",
    "ResponseCompleted",
    "ResponseStarted",
    "StreamReset",
    "Subscription",
    "WebSocketClosed",
    "WebSocketOpened",
    "subscribe",
]

Record = TypeVar("Record", bound=tuple[Any, ...])


@overload
def subscribe(listener: Callable[[LifecycleRecord], object]) -> Subscription: ...


@overload
def subscribe(listener: Callable[[Record], object], *records: type[Record]) -> Subscription: ...


def subscribe(listener: Callable[[Any], object], *records: type[Any]) -> Subscription:
    """Call ``listener`` with every record of these types from now on; of all types, if none is named.

    What begins after this call is told from its beginning; of connections that are open, and requests that are under
    way, the ends may be told, or not. It ends with ``cancel()``, at the end of a ``with`` block, or when the code that
    has subscribed is replaced by a reload; the new code subscribes for itself. A listener that raises is logged to
    ``pounce.error``, and the others are called all the same.

    Raises:
        ValueError: something is no type of record.
        TypeError: the listener is a coroutine function, for which nobody would wait.
    """
    if inspect.iscoroutinefunction(listener) or inspect.iscoroutinefunction(type(listener).__call__):
        raise TypeError(f"{listener!r} is a coroutine function: a listener is called, and nothing is awaited")
    return SUBSCRIPTIONS.subscribe(listener, *records, origins=_origins(sys._getframe(1)))


def _origins(frame: FrameType | None) -> tuple[Mapping[str, Any], ...]:
    """The globals of the modules whose code has led here, up to an import: what is imported is not what imports."""
    found: dict[int, Mapping[str, Any]] = {}
    while frame is not None:
        names = frame.f_globals
        if isinstance(names.get("__spec__"), ModuleSpec):
            found[id(names)] = cast("Mapping[str, Any]", names)
        if frame.f_code.co_name == "<module>":
            break
        frame = frame.f_back
    return tuple(found.values())
