"""The life of a server: start, serve, stop, and what is said when it cannot."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import sys
import threading
from typing import TYPE_CHECKING, Final

from pounce_asgi import AppImportError, ConfigError, Listeners, PounceError

from .assemble import Assembly, assembled
from .banner import banner
from .blocked_threads import report_blocking_threads
from .config import ServerConfig
from .logging_setup import flush_logs, set_up_logging
from .signals import StopSignals, handled_signals
from .stop_watchdog import StopWatchdog

if TYPE_CHECKING:
    from .addresses import Address
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
        self.config = config
        self._listeners = listeners
        self._assembly: Assembly | None = None
        self._started = threading.Event()
        self._settled = threading.Event()
        # Guards the hand-over of a stop to the worker. Re-entrant, because a signal handler may interrupt its holder.
        self._lock = threading.RLock()
        self._stop_requested = False
        self._served = False
        self._signals: StopSignals | None = None
        self._watchdog: StopWatchdog | None = None

    @property
    def started(self) -> bool:
        """Whether it has begun to accept connections."""
        return self._started.is_set()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it listens; empty until it is bound and after it has ended."""
        assembly = self._assembly
        return assembly.addresses if assembly is not None else ()

    def wait_until_started(self, timeout: float | None = None) -> bool:
        """Wait until it accepts connections (True), or has ended or ``timeout`` seconds have passed (False).

        For the thread that started the server's thread.
        """
        self._settled.wait(timeout)
        return self.started and self._assembly is not None

    def request_stop(self) -> None:
        """Stop gracefully; the second call stops at once. Safe from any thread and from a signal handler."""
        with self._lock:
            assembly = self._assembly
            if assembly is None:
                self._stop_requested = True
        if assembly is not None:
            assembly.worker.request_stop()

    def run(self) -> int:
        """Serve until stopped and return the exit code. What goes wrong is logged, not raised.

        In the main thread SIGINT and SIGTERM stop it. Logging is set up where the program has not done so.
        """
        set_up_logging(self.config.log_level)
        self._watchdog = StopWatchdog(
            graceful=self.config.worker.graceful_timeout,
            shutdown=self.config.exchange.timeout_lifespan_shutdown,
        )
        try:
            with handled_signals(self._on_signal) as self._signals:
                self.serve_blocking()
        except KeyboardInterrupt:
            return EXIT_STOPPED
        except PounceError as error:
            return _report(error)
        finally:
            self._watchdog.done()
            flush_logs()
        return EXIT_STOPPED

    def serve_blocking(self) -> None:
        """Serve on a loop of its own, as the configuration says, until ``request_stop()``.

        Raises:
            ConfigError, AppImportError, BindError, LifespanError: it cannot serve.
        """
        self._serve_only_once()
        try:
            with assembled(self.config, on_started=self._on_started, listeners=self._listeners) as assembly:
                self._adopt(assembly)
                assembly.worker.run()
        finally:
            self._ended()

    async def serve(self, *, install_signal_handlers: bool = False) -> None:
        """Serve in the running loop until ``request_stop()``. Logging is left as it is.

        Raises:
            ConfigError, AppImportError, BindError, LifespanError: it cannot serve.
        """
        self._serve_only_once()
        try:
            with assembled(self.config, on_started=self._on_started, listeners=self._listeners) as assembly:
                self._adopt(assembly)
                if not install_signal_handlers:
                    await assembly.worker.serve()
                    return
                with handled_signals(self.request_stop) as self._signals:
                    await assembly.worker.serve()
        finally:
            self._ended()

    def _serve_only_once(self) -> None:
        with self._lock:
            if self._served:
                raise RuntimeError("a Server serves once; make another to serve again")
            self._served = True

    def _adopt(self, assembly: Assembly) -> None:
        with self._lock:
            self._assembly = assembly
            stop = self._stop_requested
        if stop:
            assembly.worker.request_stop()

    def _on_started(self) -> None:
        assembly = self._assembly
        if assembly is None:
            return
        if self._signals is not None:
            self._signals.wake(asyncio.get_running_loop())
        if self.config.workers > 1:
            _log.warning("%d workers are not available in this version; one worker serves", self.config.workers)
        lines = banner(self.config, assembly.addresses, interface=assembly.interface.value, version=pounce_version())
        for line in lines:
            _log.info("%s", line)
        self._started.set()
        self._settled.set()

    def _ended(self) -> None:
        with self._lock:
            self._assembly = None
        self._settled.set()

    def _on_signal(self) -> None:
        if self._assembly is None:
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


def pounce_version() -> str:
    """The version of ``pounce-server`` that is installed."""
    try:
        return importlib.metadata.version("pounce-server")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree or a bundle, where nothing is installed
        return "(not installed)"


def _report(error: PounceError) -> int:
    """Say what went wrong, whatever the log level is, and return the exit code."""
    cause = error.__cause__
    level = logging.ERROR if _log.isEnabledFor(logging.ERROR) else logging.CRITICAL
    if isinstance(error, AppImportError) and cause is not None:
        _error_log.log(level, "The application raised:", exc_info=cause)
    _log.log(level, "%s", error)
    is_input = isinstance(error, ConfigError | AppImportError) and cause is None
    return EXIT_INPUT if is_input else EXIT_ENVIRONMENT
