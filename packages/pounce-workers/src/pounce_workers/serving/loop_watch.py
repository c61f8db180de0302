"""What can be seen of a worker's loop from another thread: whether it turns, and what holds it.

On our own loop a turn is watched by its selector, which notes when it begins and ends, to the microsecond. Any other
loop, such as uvloop's, is asked by a callback. That wakes it up if it sleeps; and how long a turn has taken is known
from when it was asked, so that up to the time between two questions is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pounce_workers.net.loop import ServingLoop
from pounce_workers.net.watched_turn import WatchedTurn
from pounce_workers.serving.thread_stacks import stacks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pounce_workers.serving.loop_server import LoopServer
    from pounce_workers.serving.served_loop import ServedLoop
    from pounce_workers.serving.thread_stacks import Frame

__all__ = ["LoopWatch", "RunningRequest", "loop_watches"]

_SHARED_ROLES = frozenset({"worker", "shared"})
"""Loops with more than one request. A thread of a pool has one at a time, and its application may hold it."""


class HasLoops(Protocol):
    """A worker or a pool, of any kind."""

    @property
    def served_loops(self) -> Sequence[ServedLoop]:
        """The loops that serve now."""


class RunningRequest(NamedTuple):
    """What was asked, by whom."""

    method: str
    path: str
    """Without its query, which may hold secrets."""
    protocol: str
    client: tuple[str, int] | None


class LoopWatch(NamedTuple):
    """One loop. Every method is for any thread."""

    worker_id: int
    name: str
    """The role of its thread."""
    thread_id: int
    loop: asyncio.AbstractEventLoop
    server: LoopServer

    @property
    def calm(self) -> bool:
        """It serves, and has not been told to end."""
        wire = self.server.wire
        return not (wire.draining or wire.retiring)

    @property
    def requests_of_closed(self) -> int:
        """Requests of the connections that are gone. As this changes, there was a client who has left."""
        return self.server.wire.requests_of_closed

    @property
    def asleep(self) -> bool:
        """It waits in the kernel. False of loops that are not ours: these are woken by the question."""
        return isinstance(self.loop, ServingLoop) and self.loop.serving_selector.may_sleep

    def ask(self) -> WatchedTurn | None:
        """Watch a turn: that under way, or the next. None: the one before is not over, or the loop is closed."""
        turn = WatchedTurn(time.monotonic())
        if isinstance(self.loop, ServingLoop):
            selector = self.loop.serving_selector
            if selector.turn is not None:
                return None
            selector.turn = turn
            return turn
        return turn if self._call(_note_end, turn) else None

    def ask_requests(self, answer: Callable[[frozenset[asyncio.Task[Any]]], None]) -> bool:
        """Call ``answer`` in the loop's thread with the tasks of its requests. False: the loop is closed."""
        return self._call(_tell_requests, self.server, answer)

    def task(self) -> asyncio.Task[Any] | None:
        """The task that it runs just now."""
        return asyncio.current_task(self.loop)

    def stack(self) -> list[Frame]:
        """What its thread does just now, outermost first; empty where that cannot be seen."""
        return stacks_of((self.thread_id,)).get(self.thread_id, [])

    def request(self, task: asyncio.Task[Any] | None) -> RunningRequest | None:
        """The request that this running task belongs to, if that can be told."""
        if task is None:
            return None
        beginning = None
        for exchange in _exchanges(self.server):
            if exchange.task is task:
                return _request_of(exchange)
            if exchange.task is None:
                beginning = exchange
        # There is at most one whose application runs its first step; nothing but the loop has its task yet.
        return _request_of(beginning) if beginning is not None else None

    def _call(self, callback: Callable[..., None], *arguments: Any) -> bool:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(callback, *arguments, context=contextvars.Context())
            return True
        return False


def loop_watches(worker: HasLoops, worker_id: int) -> tuple[LoopWatch, ...]:
    """Those loops of a worker that serve now, and of which several requests share each. For any thread."""
    return tuple(
        LoopWatch(worker_id, one.role, one.thread_id, one.loop, one.server)
        for one in worker.served_loops
        if one.role in _SHARED_ROLES
    )


def _note_end(turn: WatchedTurn) -> None:
    turn.ended = time.monotonic()


def _tell_requests(server: LoopServer, answer: Callable[[frozenset[asyncio.Task[Any]]], None]) -> None:
    answer(frozenset(server.context.running))


def _exchanges(server: LoopServer) -> Iterator[Any]:
    """The exchanges of a loop. It may go on meanwhile, so copies are iterated, which sets and dictionaries make in one
    piece.
    """
    for connection in server.wire.connections.copy():
        streams = getattr(connection, "streams", None)
        carriers = streams.copy().values() if streams is not None else (connection,)
        for carrier in carriers:
            exchange = getattr(carrier, "exchange", None)
            exchange = getattr(exchange, "exchange", exchange)  # that of a WebSocket is in what a stream has for one
            if exchange is not None:
                yield exchange


def _request_of(exchange: Any) -> RunningRequest:
    head, context = exchange.head, exchange.context
    raw_path: bytes = head.raw_path
    return RunningRequest(head.method, raw_path.decode("latin-1"), context.protocol, exchange.peer.client)
