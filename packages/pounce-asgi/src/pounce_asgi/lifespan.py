"""The lifespan protocol: one application's startup and shutdown on one event loop.

``Lifespan`` runs the application in a task of its own and speaks for the server. Failures are logged here, with the
application's traceback, before ``LifespanError`` tells the caller, who then needs one line only. An application that
does not know the protocol is told apart from one that fails as the specification says (lifespan 2.0, "Scope"): what it
raises before ``startup.complete`` means "not supported" in mode ``auto``; ``startup.failed`` is always a failure, and
so is ``SystemExit``, with which an application says that it does not want to run.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from typing import TYPE_CHECKING, Any, Final, Literal

from pounce_asgi.errors import LifespanError, UnexpectedMessage

if TYPE_CHECKING:
    from pounce_asgi.types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent, LifespanScope

__all__ = ["Lifespan"]

_log = logging.getLogger("pounce.lifespan")

# After its last message the application may still clean up, in the exit of a context manager around it all. It has
# said that it is done, so this is a courtesy and not the time limit of the operator.
ENDING_GRACE: Final = 5.0
# How long a task that was cancelled may take to end before it is left behind.
CANCEL_GRACE: Final = 1.0


class Stage(enum.Enum):
    """Where the conversation with the application stands."""

    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"
    """The application has said its last word."""
    CLOSED = "closed"
    """The server listens no more, whatever the application does."""


# What the application may send, and where that leads. Anything else is its mistake; after the end nothing is.
NEXT: Final[dict[Stage, dict[str, Stage]]] = {
    Stage.STARTING: {"lifespan.startup.complete": Stage.RUNNING, "lifespan.startup.failed": Stage.ENDED},
    Stage.RUNNING: {},
    Stage.STOPPING: {"lifespan.shutdown.complete": Stage.ENDED, "lifespan.shutdown.failed": Stage.ENDED},
}


class Lifespan:
    """The lifespan of one application on one event loop. Owned by that loop's thread.

    ``app`` is ASGI 3. The time limits are in seconds. ``state`` is the dict that the application fills during startup
    and of which every request gets a shallow copy; a new one if None. ``quiet``: another
    worker says it if there is none.
    """

    def __init__(
        self,
        app: ASGI3Application,
        *,
        mode: Literal["auto", "on", "off"] = "auto",
        startup_timeout: float = 60.0,
        shutdown_timeout: float = 30.0,
        state: dict[str, Any] | None = None,
        quiet: bool = False,
    ) -> None:
        self.state: dict[str, Any] = {} if state is None else state
        self.supported = False
        """Whether the application completed its startup, so that it expects a shutdown."""
        self._app = app
        self._mode = mode
        self._quiet = quiet
        self._startup_timeout = startup_timeout
        self._shutdown_timeout = shutdown_timeout
        self._stage = Stage.NEW
        self._task: asyncio.Task[None] | None = None
        self._startup_received = False
        self._shutdown_received = False
        self._failure: str | None = None  # the message of startup.failed or shutdown.failed
        self._error: BaseException | None = None  # what ended the application's task
        self._started = asyncio.Event()  # the startup was answered, or the task has ended
        self._shutdown_asked = asyncio.Event()
        self._stopped = asyncio.Event()  # the shutdown was answered, or the task has ended
        self._spent = asyncio.Event()  # the task has ended, or waits for a message that will never come

    async def startup(self) -> None:
        """Run the application's startup; call it once. When it is cancelled, so is the application's task.

        Raises:
            LifespanError: the startup failed or exceeded its time limit. Its cause is the application's exception.
        """
        if self._stage is not Stage.NEW:
            raise RuntimeError("a lifespan starts once")
        if self._mode == "off":
            self._stage = Stage.CLOSED
            return
        self._stage = Stage.STARTING
        self._task = asyncio.get_running_loop().create_task(self._run(), name="pounce-lifespan")
        try:
            in_time = await _within(self._started, self._startup_timeout)
        except asyncio.CancelledError:
            self._stage = Stage.CLOSED
            self._task.cancel()
            raise
        if not in_time:
            await self._end_task(overdue=True)
            raise self._logged_error(
                f"application startup took longer than {self._startup_timeout:g} seconds "
                "(if it has no lifespan, switch it off with --lifespan off)"
            )
        if self._stage is Stage.RUNNING:
            self.supported = True
        else:
            await self._startup_not_completed()

    async def shutdown(self) -> None:
        """Run the application's shutdown, if its startup was completed, and end its task in any case.

        Further calls do nothing; a call after one that was cancelled goes on where that stopped.

        Raises:
            LifespanError: the shutdown failed or exceeded its time limit. Its cause is the application's exception.
        """
        if self._stage is Stage.RUNNING:
            self._stage = Stage.STOPPING
            self._shutdown_asked.set()
        if self._stage is Stage.CLOSED or not self._shutdown_asked.is_set():
            await self._end_task()
            return
        in_time = await _within(self._stopped, self._shutdown_timeout)
        if in_time:
            await _within(self._spent, ENDING_GRACE)
        await self._end_task(overdue=not in_time)
        if not in_time:
            raise self._logged_error(f"application shutdown took longer than {self._shutdown_timeout:g} seconds")
        if self._failure is not None or self._error is not None:
            raise self._logged_error("application shutdown failed")

    async def _startup_not_completed(self) -> None:
        """The application raised, returned, or said that it failed: decide what that means."""
        await _within(self._spent, ENDING_GRACE)
        await self._end_task()
        if self._failure is not None:
            raise self._logged_error("application startup failed")
        error = self._error
        if isinstance(error, SystemExit):
            raise self._logged_error(f"the application asked to exit during its startup (code {error.code!r})")
        if self._mode == "on":
            what = "application startup failed" if error else "the application returned without completing its startup"
            raise self._logged_error(what)
        if self._startup_received:  # it has asked for it, so it means to have one: what went wrong is news
            why = "it returned" if error is None else f"{type(error).__name__}: {error}"
            _log.info("The application did not complete its lifespan startup (%s); going on without it", why)
        elif not self._quiet:
            _log.info("No lifespan in the application")
        if error is not None:
            _log.debug("What the application raised when it was asked for its lifespan", exc_info=error)
        self._error = None

    async def _end_task(self, *, overdue: bool = False) -> None:
        """End the conversation and the task; one that resists its cancellation is left behind.

        The traceback of the CancelledError is kept for a task that is overdue: it shows what it was waiting for.
        """
        self._stage = Stage.CLOSED
        task = self._task
        if task is None or task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_GRACE)
        if not task.done():
            _log.error("The application's lifespan task goes on although it was cancelled; it is left behind")
        if not overdue and isinstance(self._error, asyncio.CancelledError):
            self._error = None

    def _logged_error(self, what: str) -> LifespanError:
        """Log the application's side of it, once; what is returned is the one line that remains to be said."""
        failure, self._failure = self._failure, None
        error, self._error = self._error, None
        # A framework's message usually is the traceback already (Starlette's is): not a second time.
        told = failure is not None and error is not None and type(error).__name__ in failure
        text = f"{what}:\n{failure}" if failure else what
        _log.error("%s", text[0].upper() + text[1:], exc_info=None if told else error)
        wrapped = LifespanError(what)
        wrapped.__cause__ = error
        return wrapped

    async def _run(self) -> None:
        """The application's task."""
        scope: LifespanScope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the border to foreign code; the caller is told
            if (trace := error.__traceback__) is not None and trace.tb_next is not None:
                error.__traceback__ = trace.tb_next  # this frame tells nobody anything
            if self._stage is Stage.RUNNING:
                _log.error("The application's lifespan ended with an error while it was serving", exc_info=error)
            else:
                self._error = error
        finally:
            self._started.set()
            self._stopped.set()
            self._spent.set()

    async def _receive(self) -> ASGIReceiveEvent:
        if not self._startup_received:
            self._startup_received = True
            return {"type": "lifespan.startup"}
        if self._stage is Stage.ENDED:
            self._spent.set()  # it has failed to start, so it will not be asked to stop
        await self._shutdown_asked.wait()
        if not self._shutdown_received:
            self._shutdown_received = True
            return {"type": "lifespan.shutdown"}
        self._spent.set()
        await asyncio.get_running_loop().create_future()  # nobody completes it: until the task is cancelled
        raise AssertionError("unreachable")

    async def _send(self, message: ASGISendEvent) -> None:
        if self._stage not in NEXT:
            return  # after the end there is nobody to hear it (ASGI 3.0, "Error Handling")
        kind = message["type"]
        following = NEXT[self._stage].get(kind)
        if following is None:
            allowed = " or ".join(NEXT[self._stage]) or "nothing before lifespan.shutdown was received"
            raise UnexpectedMessage(f"the application sent {kind!r} to its lifespan; expected is {allowed}")
        if kind.endswith(".failed"):
            self._failure = str(message.get("message", ""))
        answered = self._started if self._stage is Stage.STARTING else self._stopped
        self._stage = following
        answered.set()


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False when it did not come in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
