"""The worker's event loop: asyncio's selector loop, with HTTP served by its selector and fewer wake-ups.

It leans on five members of asyncio's loop that are not public: ``_ready``, ``_scheduled``, ``_stopping``, ``_closed``
and ``_write_to_self()``. They are the same in every version from 3.11 on, and a test says so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pounce_workers.net.poller import LoopPoller, Poller
from pounce_workers.net.selector import ServingSelector

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable
    from contextvars import Context

    from pounce_asgi.request_sampler import RequestSampler

__all__ = ["ServingLoop", "new_event_loop", "poller_of"]


class ServingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose selector calls HTTP transports directly.

    Everything that asyncio offers works as usual: tasks, timers, streams, subprocesses, signal handlers, executors.
    """

    # What the selector looks at; asyncio's, and not declared in its types.
    _ready: deque[asyncio.Handle]
    """The callbacks that are to run next."""
    _scheduled: list[asyncio.TimerHandle]
    """The timers, a heap: the next one is first."""
    _stopping: bool
    """``stop()`` was called: the loop is to end after this turn."""
    _closed: bool
    """``close()`` was called: there is nothing left to close."""

    def __init__(self, selector: ServingSelector | None = None) -> None:
        self.serving_selector = selector or ServingSelector()
        try:
            super().__init__(self.serving_selector)
        except OSError:  # no descriptors are left for its self-pipe
            self._closed = True  # or asyncio would close it when it is collected, and miss that pipe
            self.serving_selector.close()
            raise
        self.serving_selector.attach(self)

    def _write_to_self(self) -> None:
        """Wake the loop up, as ``call_soon_threadsafe()`` does after it queued a callback: only if it may be asleep.

        A wake-up costs the caller a system call and the loop two; under load the loop looks at its queue soon anyway.
        """
        selector = self.serving_selector
        with selector.sleep_lock:
            wake, selector.may_sleep = selector.may_sleep, False
        if wake:
            super()._write_to_self()  # type: ignore[misc]

    def call_behind(self, callback: Callable[[], object], *, context: Context) -> None:
        """Call it when all who have something new have had their turn; see `pounce_asgi.fairness`. In this thread."""
        self.serving_selector.call_behind(callback, context)

    def others_wait(self) -> bool:
        """Whether anybody else has something to do now, as far as that is known. In this thread."""
        return bool(self._ready) or self.serving_selector.others_wait()

    def quick_wait(self) -> bool:
        """Whether anybody is ready now who would be done in less than a turn. Whoever is in the middle of something
        long asks that, and this looks at the sockets: not more often than once in a turn. In this thread.
        """
        return self.serving_selector.quick_wait()

    def report(self, error: BaseException) -> None:
        """Treat what a watcher raised as asyncio treats what a callback raised."""
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            # These end run_forever(), but from a callback: not from inside select().
            self.call_soon(_raise, error)
        else:
            try:
                self.call_exception_handler(
                    {"message": "An HTTP connection failed in an unforeseen way", "exception": error}
                )
            except BaseException as ending:  # noqa: BLE001 - the handler is the application's, and may end the process
                self.call_soon(_raise, ending)


def _raise(error: BaseException) -> None:
    raise error


def new_event_loop(kind: str, sampler: RequestSampler | None = None) -> asyncio.AbstractEventLoop:
    """A loop for a worker: ``"auto"`` and ``"asyncio"`` are ours, ``"uvloop"`` is uvloop's. Ours tells a ``sampler``
    when what it serves was ready.

    Raises:
        ModuleNotFoundError: uvloop is asked for and not installed.
    """
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    if sampler is not None:
        from pounce_workers.net.timed_selector import TimedSelector

        return ServingLoop(TimedSelector(sampler))
    return ServingLoop()


def poller_of(loop: asyncio.AbstractEventLoop) -> Poller:
    """How transports on this loop are woken: directly on ours, through ``add_reader`` on any other."""
    return loop.serving_selector if isinstance(loop, ServingLoop) else LoopPoller(loop)
