"""What warnings need of workers, as typing Protocols. `pounce_workers.loop_watches` makes such loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

__all__ = ["Frame", "LoopLag", "Request", "Turn", "WatchedLoop", "WatchedWorker"]


class Frame(Protocol):
    """One line of a stack."""

    @property
    def file(self) -> str:
        """Its source file."""

    @property
    def line(self) -> int:
        """0 where it is not known."""

    @property
    def function(self) -> str:
        """Its name."""


class Request(Protocol):
    """Whom something was done for."""

    @property
    def method(self) -> str:
        """Such as GET."""

    @property
    def path(self) -> str:
        """Without the query."""

    @property
    def protocol(self) -> str:
        """The ALPN name."""


class Turn(Protocol):
    """One turn of a loop, by ``time.monotonic()``; 0 is not yet."""

    @property
    def asked(self) -> float:
        """When somebody wanted to know."""

    @property
    def began(self) -> float:
        """Stays 0 if it was under way by then, or the loop cannot tell."""

    @property
    def ended(self) -> float:
        """When the loop was ready for its next."""


class WatchedWorker(Protocol):
    """A worker or a pool. For any thread."""

    @property
    def load(self) -> int:
        """Connections that it has."""

    @property
    def requests_served(self) -> int:
        """Requests that it has begun to answer; it may take a while to count them."""


class WatchedLoop(Protocol):
    """A loop that serves. Every method is for any thread."""

    @property
    def worker_id(self) -> int:
        """Whose it is."""

    @property
    def name(self) -> str:
        """What it is there for in its worker."""

    @property
    def thread_id(self) -> int:
        """``threading.get_ident()`` of its thread."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop itself; tells it apart from others."""

    @property
    def calm(self) -> bool:
        """It serves: neither starts nor drains."""

    @property
    def requests_of_closed(self) -> int:
        """Requests of the connections that are gone; only grows."""

    @property
    def asleep(self) -> bool:
        """It waits for something to happen."""

    def ask(self) -> Turn | None:
        """Watch a turn; None when that is not possible now."""

    def task(self) -> asyncio.Task[Any] | None:
        """The task that it runs just now."""

    def stack(self) -> Sequence[Frame]:
        """What its thread does just now, outermost first; empty where that cannot be seen."""

    def request(self, task: asyncio.Task[Any] | None, /) -> Request | None:
        """The request that this running task belongs to."""

    def ask_requests(self, answer: Callable[[frozenset[asyncio.Task[Any]]], None], /) -> bool:
        """Call ``answer`` in the loop's thread with the tasks of its requests. False: it has ended."""


class LoopLag(NamedTuple):
    """For how long a loop did not come back to what waits for it, in seconds."""

    worker_id: int
    loop: str
    """What it is there for in its worker."""
    latest: float
    """The turn that was looked at last, or is under way; 0 of a loop that waits."""
    worst: float
    """The longest turn of those that were looked at in the last minute."""
