"""What a slot is: the place of one worker, thread or process, as whoever watches over it sees it.

A launcher gives birth to a worker in a slot and returns a handle. Handles may be used from any thread. Everything that
happens to a worker is told once, through the two callbacks that were given at its birth; they are called in a thread of
the launcher's and must return soon.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import socket

__all__ = ["MoveTo", "SlotCallback", "SlotExit", "SlotHandle", "SlotKind", "SlotLauncher", "WorkerLike"]

SlotKind = Literal["thread", "process"]

MoveTo = Callable[["socket.socket", "tuple[str, int] | None", "tuple[str, int | None] | None"], None]
"""Takes an idle connection over: its socket, the client's address, the local address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotExit:
    """How a worker ended."""

    expected: bool
    """It had been told to end before it did, and ended without an error."""
    code: int | None = None
    """The exit code of a process that ended by itself."""
    signal: int | None = None
    """The signal that killed a process."""
    error: str = ""
    """What it failed with, in words; empty when it did not say."""
    exception: BaseException | None = None
    """What was raised, where it is at hand: in threads."""
    abandoned: bool = False
    """A thread that did not end, and was given up. It may still run, but nobody waits for it."""

    def __str__(self) -> str:
        """In words, to follow a worker's name: ``was killed by SIGKILL``."""
        if self.abandoned:
            return "did not end and was left behind"
        reason = f": {self.error}" if self.error else ""
        if self.signal is not None:
            return f"was killed by {_signal_name(self.signal)}{reason}"
        if self.code:
            return f"exited with code {self.code}{reason}"
        if self.error:
            return f"failed{reason}"
        return "ended" if self.expected else "ended without being told to"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class WorkerLike(Protocol):
    """What a slot runs: `pounce_workers.Worker`, or another with this surface. All but ``run`` from any thread."""

    @property
    def beat(self) -> float:
        """When its loop last turned, by ``time.monotonic()``; 0 before the first turn."""

    @property
    def load(self) -> int:
        """Connections that it holds or is about to take."""

    @property
    def requests_served(self) -> int:
        """Requests that it has answered."""

    def run(self) -> None:
        """Serve until stopped; blocks."""

    def request_stop(self) -> None:
        """Stop gracefully; the second call stops at once."""

    def retire(self, move_to: MoveTo | None = None) -> None:
        """End when the work is done: without new connections, without cutting off those that may be in use."""


class SlotHandle(Protocol):
    """One worker, from its birth to its end. Its methods return soon and may be called in any order, and again."""

    @property
    def worker_id(self) -> int:
        """The number of its slot. A successor has the same."""

    @property
    def generation(self) -> int:
        """The number of the import of the application that it serves."""

    @property
    def kind(self) -> SlotKind:
        """Whether it is a thread or a process."""

    @property
    def exit(self) -> SlotExit | None:
        """How it ended; None while it lives."""

    @property
    def last_beat(self) -> float:
        """When its loop was last known to turn, by this process's ``time.monotonic()``; at first its birth."""

    @property
    def load(self) -> int:
        """Connections that it holds."""

    @property
    def requests_served(self) -> int:
        """Requests that it has answered."""

    @property
    def rss(self) -> int | None:
        """Its resident memory in bytes; None where it has none of its own (a thread) or it is not known."""

    def is_alive(self) -> bool:
        """Whether it has not ended."""

    def retire(self, move_to: MoveTo | None = None) -> None:
        """Finish without being in a hurry: a successor serves already.

        ``move_to`` takes its idle connections; without it their clients are told at their next answer.
        """

    def drain(self) -> None:
        """Finish what is in flight within ``graceful_timeout``, then end."""

    def stop_now(self) -> None:
        """End at once; what is in flight is cancelled."""

    def kill(self) -> None:
        """End it without its help. A thread cannot be killed: its stack is logged and it is abandoned."""

    def stack(self) -> str:
        """What it is doing now, as a traceback; or why that cannot be told. May take a few seconds."""


SlotCallback = Callable[[SlotHandle], None]


class SlotLauncher(Protocol):
    """Starts workers of one kind, for one generation."""

    @property
    def kind(self) -> SlotKind:
        """What it starts."""

    @property
    def generation(self) -> int:
        """The generation that it starts workers of."""

    def start(self, worker_id: int, *, on_ready: SlotCallback, on_exit: SlotCallback) -> SlotHandle:
        """Start a worker and return without waiting for it.

        ``on_ready`` is called at most once, when it serves; ``on_exit`` exactly once, when ``handle.exit`` is set, and
        never before ``on_ready``. Both may come before this returns.
        """
