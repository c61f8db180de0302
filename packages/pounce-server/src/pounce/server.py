"""The life of a server: start, serve, stop, and what is said when it cannot."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from typing import TYPE_CHECKING, Final

from pounce_asgi import AppImportError, ConfigError, PounceError
from pounce_observability.logging_setup import flush_logs, set_up_logging

from .banner import banner
from .blocked_threads import report_blocking_threads
from .config import ServerConfig
from .life import Life
from .printable import printable_line
from .running_import import refuse_while_importing
from .service_manager import ServiceManager
from .signals import ServerSignals, handled_signals
from .socket_activation import Activation
from .standard_descriptors import open_standard_descriptors
from .stop_watchdog import StopWatchdog
from .versions import pounce_version

if TYPE_CHECKING:
    from pounce_asgi import Listeners
    from pounce_workers import Decision, SyncWorkerPool, Worker

    from .addresses import Address
    from .assemble import Assembly
    from .config import Application

__all__ = ["Server", "pounce_version", "run"]

EXIT_STOPPED: Final = 0
"""It served and was stopped, or was stopped before it served."""
EXIT_ENVIRONMENT: Final = 1
"""The machine or the application does not allow it: a port in use, a failed lifespan, an error during import."""
EXIT_INPUT: Final = 2
"""What a person gave is wrong: an option, a name that does not exist."""

_log = logging.getLogger("pounce.server")
_error_log = logging.getLogger("pounce.error")


class Server:
    """One server. It serves once; make another to serve again.

    ``run()`` owns the process: logging, signals, exit code. ``serve()`` and ``serve_blocking()`` are for programs that
    own those themselves; they raise what goes wrong.
    """

    def __init__(self, config: ServerConfig, *, listeners: Listeners | None = None) -> None:
        """``listeners`` hear of what the workers of this process do; those of worker processes are elsewhere."""
        self.config = config
        self._listeners = listeners
        self._stoppable: Life | Worker | SyncWorkerPool | None = None
        self._addresses: tuple[Address, ...] = ()
        self._started = threading.Event()
        self._settled = threading.Event()
        # Guards the hand-over of a stop. Re-entrant, because a signal handler may interrupt its holder.
        self._lock = threading.RLock()
        self._stop_requested = False
        self._served = False
        self._over = False
        self._embedded: Assembly
        self._signals: ServerSignals | None = None
        self._watchdog: StopWatchdog | None = None

    @property
    def started(self) -> bool:
        """Whether it has begun to accept connections."""
        return self._started.is_set()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it listens; empty until it serves and after it has ended."""
        return self._addresses

    def wait_until_started(self, timeout: float | None = None) -> bool:
        """Wait until it accepts connections (True), or has ended or ``timeout`` seconds have passed (False).

        For the thread that started the server's thread.
        """
        self._settled.wait(timeout)
        return self.started and self._stoppable is not None

    def request_stop(self) -> None:
        """Stop gracefully; the second call stops at once. Safe from any thread and from a signal handler."""
        with self._lock:
            stoppable = self._stoppable
            if stoppable is None:
                self._stop_requested = True
        if stoppable is not None:
            stoppable.request_stop()

    def request_reload(self) -> None:
        """Serve new code, as soon as it can; what serves now goes on until then. Safe as ``request_stop()`` is.

        Not for ``serve()``, whose loop and application are the program's own.
        """
        with self._lock:
            life = self._stoppable
        if isinstance(life, Life):
            life.request_reload()

    def reopen_log_files(self) -> None:
        """Open the files of the logs anew: they were moved away. Returns at once. Safe as ``request_stop()`` is."""
        with self._lock:
            life = self._stoppable
        if isinstance(life, Life):
            life.request_new_log_files()

    def run(self, *, last: bool = False) -> int:
        """Serve until stopped and return the exit code. What goes wrong is logged, not raised.

        In the main thread SIGINT and SIGTERM stop it, SIGHUP reloads the application and SIGUSR1 opens the files of the
        logs anew. Where it is the ``last`` that
        the process does, signals that come after it are ignored.

        Raises:
            ConfigError: it was called by the module of an application that is just being imported.
        """
        refuse_while_importing()
        open_standard_descriptors()
        set_up_logging(self.config.logs)
        self._watchdog = StopWatchdog(
            graceful=self.config.worker.graceful_timeout,
            shutdown=self.config.exchange.timeout_lifespan_shutdown,
        )
        try:
            with handled_signals(
                self._on_signal, self.request_reload, self.reopen_log_files, last=last
            ) as self._signals:
                self._live(owns_process=True)
        except KeyboardInterrupt:
            return EXIT_STOPPED
        except PounceError as error:
            return _report(error)
        finally:
            self._watchdog.done()
            flush_logs()
        return EXIT_STOPPED

    def serve_blocking(self) -> None:
        """Serve as the configuration says, until ``request_stop()``.

        Raises:
            ConfigError, AppImportError, BindError, LifespanError, WorkersFailed: it cannot serve.
        """
        self._live(owns_process=False)

    def _live(self, *, owns_process: bool) -> None:
        refuse_while_importing()
        self._serve_only_once()
        life = Life(
            self.config,
            listeners=self._listeners,
            announce=self._announce,
            owns_process=owns_process,
            on_started_here=self._wake_by_signals,
            activation=Activation.take() if owns_process else None,
            manager=ServiceManager.take() if owns_process else None,
            # Only of the main thread it is sure that nothing of the program goes on beside it.
            on_left_behind=self._watchdog.left_behind if self._watchdog and self._signals else None,
        )
        try:
            self._adopt(life)
            life.run()
        finally:
            self._ended()

    async def serve(self, *, install_signal_handlers: bool = False) -> None:
        """Serve with one worker in the running loop until ``request_stop()``. Logging is left as it is.

        Raises:
            ConfigError, AppImportError, BindError, LifespanError: it cannot serve.
        """
        from pounce_workers import Worker

        from .assemble import assembled
        from .pool_beside_loop import run_beside_loop

        self._serve_only_once()
        try:
            with contextlib.ExitStack() as stack:
                assembly = stack.enter_context(
                    assembled(self.config, on_started=self._on_started_embedded, listeners=self._listeners)
                )
                self._embedded = assembly
                self._adopt(assembly.worker)
                if install_signal_handlers:
                    self._signals = stack.enter_context(handled_signals(self.request_stop))
                if isinstance(assembly.worker, Worker):
                    await assembly.worker.serve()
                else:
                    await run_beside_loop(assembly.worker)
        finally:
            self._ended()

    def _serve_only_once(self) -> None:
        with self._lock:
            if self._served:
                raise RuntimeError("a Server serves once; make another to serve again")
            self._served = True

    def _adopt(self, stoppable: Life | Worker | SyncWorkerPool) -> None:
        with self._lock:
            self._stoppable = stoppable
            stop = self._stop_requested
        if stop:
            stoppable.request_stop()

    def _on_started_embedded(self) -> None:
        self._wake_by_signals()
        self._announce(self._embedded.addresses, None, self._embedded.interface.value)

    def _wake_by_signals(self) -> None:
        """In the thread of the worker: if that has an event loop, signals are to wake it."""
        if self._signals is not None and threading.current_thread() is threading.main_thread():
            import asyncio  # whoever has a loop has it; the main process of several never has

            with contextlib.suppress(RuntimeError):
                self._signals.wake(asyncio.get_running_loop())

    def _announce(self, addresses: tuple[Address, ...], decision: Decision | None, interface: str) -> None:
        self._addresses = addresses
        for line in banner(self.config, addresses, interface=interface, version=pounce_version(), decision=decision):
            _log.info("%s", line)
        self._started.set()
        self._settled.set()

    def _ended(self) -> None:
        self._over = True
        with self._lock:
            self._stoppable = None
            self._addresses = ()
        self._settled.set()

    def _on_signal(self) -> None:
        if self._over:
            return  # there is nothing left that could be stopped
        life = self._stoppable
        if not isinstance(life, Life) or not life.in_flight:
            raise KeyboardInterrupt  # the application is being imported: nothing is in flight, so leave it there
        self.request_stop()
        if self._watchdog is not None:
            self._watchdog.stop_requested()


def run(app: Application, **settings: object) -> None:
    """Serve an application until it is stopped: ``run("main:app", port=8001, timeout_keep_alive=5.0)``.

    Takes every setting by its flat name. Variables and files are not read; ``pounce.load_config`` does that.
    Threads that are still blocked at the end are logged; the process is left to the program.

    Raises:
        ConfigError: a setting is wrong.
        SystemExit: the server could not serve; the reason was logged.
    """
    code = Server(ServerConfig.of({"app": app, **settings})).run()
    report_blocking_threads()
    if code != EXIT_STOPPED:
        sys.exit(code)


def _report(error: PounceError) -> int:
    """Say what went wrong, whatever the log level is, and return the exit code."""
    cause = error.__cause__
    level = logging.ERROR if _log.isEnabledFor(logging.ERROR) else logging.CRITICAL
    if isinstance(error, AppImportError) and cause is not None:
        _error_log.log(level, "The application raised:", exc_info=cause)
    _log.log(level, "%s", printable_line(str(error)) if isinstance(error, ConfigError) else error)
    is_input = isinstance(error, ConfigError | AppImportError) and cause is None
    return EXIT_INPUT if is_input else EXIT_ENVIRONMENT
