"""The lifespan run once for a whole server, on an event loop and in a thread of its own.

For applications whose startup must not be repeated - it holds a lock, runs migrations, starts the one background task
there may be - and whose state does not belong to an event loop. What is bound to this loop works on no worker's.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import TYPE_CHECKING, Any, Final, Literal

from pounce_asgi.errors import LifespanError
from pounce_asgi.lifespan import Lifespan

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.types import ASGI3Application

__all__ = ["ServerLifespan"]

ENDING_GRACE: Final = 5.0
"""Seconds for the loop to close after the shutdown: the tasks that are left are cancelled, threads are waited for."""

_log = logging.getLogger("pounce.lifespan")


class ServerLifespan:
    """One lifespan for several workers. Its methods block; `cancel` may be called from anywhere meanwhile.

    The loop turns from `startup` to `shutdown`, so tasks that the application starts there live as long as the server.
    ``state`` is what the application filled: give every worker this dict, and each request its shallow copy of it.
    """

    def __init__(
        self,
        app: ASGI3Application,
        *,
        mode: Literal["auto", "on", "off"] = "auto",
        startup_timeout: float = 60.0,
        shutdown_timeout: float = 30.0,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        """As for `Lifespan`; times in seconds. ``loop_factory`` makes the loop, in the thread where it will run."""
        self.state: dict[str, Any] = {}
        self._app = app
        self._mode = mode
        self._startup_timeout = startup_timeout
        self._shutdown_timeout = shutdown_timeout
        self._loop_factory = loop_factory
        self._lock = threading.Lock()  # guards the three below, between the caller's threads and the loop's
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stop_asked = False
        self._started = threading.Event()  # the startup has ended, one way or another
        self._ended = threading.Event()  # so has the shutdown; the loop may still be closing
        self._running = False
        self._error: BaseException | None = None
        # A thread of the server's, not of the application's: it must not hold the exit when the application hangs.
        self._thread = threading.Thread(target=self._run, name="pounce-lifespan", daemon=True)

    def startup(self) -> bool:
        """Run the application's startup and wait for it; call it once. False: `cancel` came first.

        Raises:
            LifespanError: the startup failed or exceeded its time limit.
        """
        self._thread.start()
        self._started.wait()
        self._raise_error()
        return self._running

    def cancel(self) -> None:
        """Give a startup up that is under way; after it, begin the shutdown. Does not wait. Safe in any thread."""
        with self._lock:
            self._stop_asked = True
            if self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)

    def shutdown(self) -> None:
        """Run the application's shutdown, if it was started, and wait for its end. May be repeated.

        Raises:
            LifespanError: the shutdown failed or exceeded its time limit.
        """
        self.cancel()
        if self._thread.ident is None:  # never started
            return
        # Lifespan keeps to its own time limits; this one is for a loop that something has ended early.
        self._ended.wait(self._shutdown_timeout + 2 * ENDING_GRACE)
        self._thread.join(ENDING_GRACE)
        if self._thread.is_alive():
            _log.warning("Tasks or threads that the application's lifespan started do not end; they are left behind")
        self._raise_error()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        """The thread."""
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                self._run_in(runner.get_loop())
        except LifespanError as error:
            self._error = error
        except BaseException as error:  # noqa: BLE001 - the border of a thread: whoever waits for it is told
            _log.error("The lifespan's event loop ended early", exc_info=error)
            self._error = LifespanError(f"the lifespan's event loop ended: {type(error).__name__}: {error}")
        finally:
            self._started.set()
            self._ended.set()

    def _run_in(self, loop: asyncio.AbstractEventLoop) -> None:
        # Free-threaded builds hand a new thread the context of its parent; the application's startup begins with none.
        live = loop.create_task(self._live(), context=contextvars.Context())
        try:
            loop.run_until_complete(live)
        except (SystemExit, KeyboardInterrupt):  # raised in a task or a callback, which stops the loop on the spot
            # Before all other tasks are cancelled, of which the lifespan's is one, it is shut down in order.
            live.cancel()
            loop.run_until_complete(asyncio.wait((live,)))
            raise

    async def _live(self) -> None:
        stop = asyncio.Event()
        with self._lock:
            self._loop, self._stop = asyncio.get_running_loop(), stop
            if self._stop_asked:
                stop.set()
        try:
            await self._converse(stop)
        except LifespanError as error:
            self._error = error
        finally:
            with self._lock:
                self._loop = None  # from here on there is nobody to tell
        self._started.set()
        self._ended.set()

    async def _converse(self, stop: asyncio.Event) -> None:
        lifespan = Lifespan(
            self._app,
            mode=self._mode,
            startup_timeout=self._startup_timeout,
            shutdown_timeout=self._shutdown_timeout,
            state=self.state,
        )
        if stop.is_set() or not await _started_up(lifespan, stop):
            return
        self._running = True
        self._started.set()
        try:
            await stop.wait()
        finally:
            await lifespan.shutdown()


async def _started_up(lifespan: Lifespan, stop: asyncio.Event) -> bool:
    """Run the startup; False when the stop came first, which does not wait for it."""
    startup = asyncio.ensure_future(lifespan.startup())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((startup, stopped), return_when=asyncio.FIRST_COMPLETED)
        if startup.done():
            startup.result()
            return True
        _log.info("Stopping before the application's startup was complete")
        startup.cancel()
        await lifespan.shutdown()  # ends the application's task
        return False
    finally:
        startup.cancel()
        stopped.cancel()
