"""A server from its configuration to its exit: it carries out what the table in `pounce.stages` orders.

Until the workers start, everything is done in the thread that calls `Life.run`, so that the application is imported in
the main thread. Then that thread waits, or is the worker if there is only one, and orders are carried out in another.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pounce_asgi import PounceError
from pounce_observability.logging_setup import reopen_log_files

from . import stage_effects as do
from . import stage_events as on
from .addresses import ListeningSockets, listen
from .crew import CrewCallbacks
from .crew_choice import CrewChoice
from .overview import Overview
from .preparation import Preparation
from .service_manager import ServiceManager
from .stages import Stage, State, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import Interface, Listeners
    from pounce_workers import Decision

    from .addresses import Address
    from .config import ServerConfig
    from .crew import Crew
    from .http3 import Http3Ports
    from .redirect_server import RedirectServer
    from .socket_activation import Activation
    from .thread_crews import SoloCrew

__all__ = ["Life"]

LEAVE_GRACE: Final = 0.5
"""Seconds for the thread of a lone worker that was given up: perhaps it returns just then."""

_log = logging.getLogger("pounce.server")
_reload_log = logging.getLogger("pounce.reload")
_error_log = logging.getLogger("pounce.error")


class Life:
    """The life of one server."""

    def __init__(
        self,
        config: ServerConfig,
        *,
        listeners: Listeners | None,
        announce: Callable[[tuple[Address, ...], Decision, str], None],
        owns_process: bool = False,
        on_started_here: Callable[[], None] | None = None,
        activation: Activation | None = None,
        manager: ServiceManager | None = None,
        on_left_behind: Callable[[], None] | None = None,
    ) -> None:
        """``announce`` is called with the addresses, the decision and the interface, once the server serves;
        ``on_started_here`` when a worker serves in the thread of `run`, and in that. ``on_left_behind`` is called, in
        another thread, when all is over but that worker holds the thread of `run` and cannot be ended.
        """
        self._config = config
        self._listeners = listeners
        self._announce = announce
        self._owns_process = owns_process
        self._on_started_here = on_started_here
        self._activation = activation
        self._manager = manager or ServiceManager()
        self._on_left_behind = on_left_behind
        self._left = threading.Event()
        """The thread of `run` has returned from serving."""
        self._events: queue.SimpleQueue[on.Event | on.LogFilesMoved] = queue.SimpleQueue()
        self._state = State()
        self._prepared: Preparation | None = None
        self._http3: Http3Ports | None = None
        self._redirect: RedirectServer | None = None
        self._listening: ListeningSockets | None = None
        self._addresses: tuple[Address, ...] = ()
        self._crew: Crew | None = None
        self._solo: SoloCrew | None = None
        """The same, if its one worker runs in the thread of `run`."""
        self._overview: Overview | None = None
        self._imported = False
        """What was to be imported in this thread has been."""
        self._error: BaseException | None = None
        self._told_wait = False
        self._stack = contextlib.ExitStack()

    # -- from any thread and from signal handlers --------------------------------------------------------------------

    def request_stop(self) -> None:
        """Stop gracefully; the second call stops at once, the third waits for no worker."""
        self._events.put(on.StopRequested())

    def request_reload(self) -> None:
        """Serve new code, once it can."""
        self._events.put(on.ReloadRequested())

    def request_new_log_files(self) -> None:
        """Open the files of the logs anew."""
        self._events.put(on.LogFilesMoved())

    @property
    def in_flight(self) -> bool:
        """Whether there may be workers, which a stop has to be told. What is raised instead would be lost in a callback
        of the garbage collector, and those who observe have some.
        """
        return self._imported

    # -- the life of it ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until stopped; blocks.

        Raises:
            PounceError: it cannot serve.
            SystemExit, KeyboardInterrupt: the application raised it.
        """
        with self._stack:
            self._events.put(on.ConfigLoaded())
            while self._state.stage in (Stage.CONFIG, Stage.DETECT, Stage.BIND):
                self._next()
            crew = self._solo
            if crew is not None:
                thread = threading.Thread(target=self._finish_and_leave, args=(crew,), name="pounce-life", daemon=True)
                thread.start()
                crew.serve_here()
                self._left.set()
                thread.join()
            else:
                self._finish()
        if self._error is not None:
            raise self._error

    def _finish_and_leave(self, crew: SoloCrew) -> None:
        try:
            self._finish()
        finally:
            crew.leave()
            if crew.holds_thread and not self._left.wait(LEAVE_GRACE) and self._on_left_behind is not None:
                self._on_left_behind()

    def _finish(self) -> None:
        while self._state.stage is not Stage.STOP:
            self._next()

    def _next(self) -> None:
        """Handle the next event. Signal handlers run while this waits; where the system wakes another thread for a
        signal, the next look is never far.
        """
        try:
            event = self._events.get(timeout=1.0)
        except queue.Empty:
            self._tell_what_is_waited_for()
            self._tell_who_switched_the_gil_on()
            return
        if isinstance(event, on.LogFilesMoved):  # at any stage, and it changes none
            self._reopen_files()
            return
        self._state, effects = step(self._state, event)
        for effect in effects:
            try:
                self._DO[type(effect)](self, effect)
            except (PounceError, OSError) as error:
                self._events.put(on.Failed(error=error))

    def _reopen_files(self) -> None:
        if self._overview is not None:
            self._overview.reopen_files()
        else:
            reopen_log_files()

    def _tell_what_is_waited_for(self) -> None:
        """A stop that takes longer than a moment is explained, once."""
        if self._state.stage is Stage.DRAIN and self._crew is not None and not self._told_wait:
            self._told_wait = True
            load = self._crew.load
            _log.info(
                "Stopping: waiting for %d %s, at most %g s; Ctrl+C again stops at once",
                load,
                "connection" if load == 1 else "connections",
                self._config.worker.graceful_timeout,
            )

    def _tell_who_switched_the_gil_on(self) -> None:
        """What is imported in a lifespan's startup or while a request is served may do that, too; said once."""
        warning = self._prepared.late_warning() if self._prepared is not None else None
        if warning is not None:
            _log.warning("%s", warning)

    # -- what is ordered ---------------------------------------------------------------------------------------------

    def _detect(self, _: do.DetectKind) -> None:
        prepared = self._prepared = Preparation(self._config, self._stack, self._files_changed)
        for warning in prepared.warnings:
            _log.warning("%s", warning)
        if prepared.decision.kind == "process":
            from .portable import require_portable

            require_portable(self._config.app)
        self._events.put(on.KindDetected(kind=prepared.decision.kind))

    def _bind(self, _: do.Bind) -> None:
        self._listening = listen(self._config, activation=self._activation, reuse_port=self._shares_ports)
        self._stack.callback(self._listening.close)
        if self._config.tls.ssl_redirect_port is not None:
            from .redirect_server import RedirectServer

            self._redirect = RedirectServer(self._config, self._listening.addresses)
            self._stack.callback(self._redirect.stop)
        if self._config.quic_bind:
            from .http3 import Http3Ports

            self._http3 = Http3Ports(self._config, self._decision.workers, processes=self._decision.kind == "process")
            self._stack.callback(self._http3.close)
        self._events.put(on.Bound(addresses=self._listening.addresses))

    @property
    def _decision(self) -> Decision:
        """Who serves. It is known before anything is bound."""
        assert self._prepared is not None
        return self._prepared.decision

    @property
    def _shares_ports(self) -> bool:
        """Whether each of several workers gets sockets of its own."""
        return self._decision.workers > 1 and self._config.distribution == "reuseport"

    def _start_workers(self, _: do.StartWorkers) -> None:
        assert self._listening is not None
        self._addresses = self._listening.addresses + (self._http3.addresses if self._http3 is not None else ())
        self._imported = True
        self._overview = Overview(self._config, self._stack, processes=self._decision.kind == "process")
        self._crew = self._new_crew(self._listening, self._overview)
        self._overview.begin(self._crew)
        self._crew.start()
        if self._redirect is not None:
            self._redirect.start()

    def _new_crew(self, listening: ListeningSockets, overview: Overview) -> Crew:
        assert self._prepared is not None
        choice = CrewChoice(
            self._config,
            self._prepared,
            listening,
            overview,
            http3=self._http3,
            shares_ports=self._shares_ports,
            owns_process=self._owns_process,
            stack=self._stack,
        )
        tell = CrewCallbacks(
            on_ready=lambda: self._events.put(on.WorkersReady()),
            on_ended=self._workers_ended,
            on_switched=lambda number: self._events.put(on.GenerationReady(generation=number)),
            on_failed=self._generation_failed,
            on_exit=overview.ended,
        )
        crew = choice.crew(tell, listeners=self._listeners, on_started_here=self._on_started_here)
        self._solo = choice.solo
        return crew

    def _workers_ended(self, failure: BaseException | None) -> None:
        if failure is not None:
            cause = failure.__cause__
            # What the application or the lifespan raised is the news; that a worker failed with it is not.
            known = isinstance(cause, (PounceError, SystemExit, KeyboardInterrupt))
            self._events.put(on.Failed(error=cause if known and cause is not None else failure))
        self._events.put(on.Drained())

    def _generation_failed(self, number: int, error: Exception) -> None:
        if error.__cause__ is not None:
            _error_log.error("The new code raised:", exc_info=error.__cause__)
        self._events.put(on.GenerationFailed(generation=number, reason=str(error)))

    def _do_announce(self, _: do.Announce) -> None:
        assert self._crew is not None
        factory = getattr(self._crew, "factory", None)
        interface: Interface | None = factory.interface if factory is not None else None
        asked = self._config.interface if self._config.interface != "auto" else ""
        self._announce(self._addresses, self._decision, interface.value if interface is not None else asked)
        if self._redirect is not None:
            _log.info("Plain HTTP on port %d is sent there", self._redirect.port)
        for offer in self._overview.offers if self._overview is not None else ():
            _log.info("%s", offer)
        watchdog = self._manager.watchdog_interval
        if watchdog is not None:
            crew = self._crew
            self._stack.enter_context(self._manager.watched(lambda: crew.is_well(max(2 * watchdog, 5.0))))

    def _files_changed(self, paths: tuple[str, ...]) -> None:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        _reload_log.info("%s%s changed; loading the new code", paths[0] if paths else "a file", more)
        self.request_reload()

    def _notify_ready(self, _: do.NotifyReady) -> None:
        self._manager.ready()

    def _notify_reloading(self, _: do.NotifyReloading) -> None:
        self._manager.reloading()

    def _notify_stopping(self, _: do.NotifyStopping) -> None:
        self._manager.stopping(within=self._config.worker.graceful_timeout)

    def _start_generation(self, _: do.StartGeneration) -> None:
        assert self._crew is not None
        if self._prepared is not None and self._prepared.tls is not None:
            self._prepared.tls.reload()  # if the files are not good the old ones serve on, also with the new code
        self._crew.reload()

    def _switched(self, effect: do.SwitchGeneration) -> None:
        _reload_log.info("Reload: generation %d of the code serves", effect.generation)

    def _drain(self, _: do.BeginDrain) -> None:
        if self._redirect is not None:
            self._redirect.begin_stop()
        if self._crew is None:  # it could not even be made
            self._events.put(on.Drained())
            return
        self._crew.stop()

    def _hasten(self, _: do.HastenDrain) -> None:
        if self._crew is not None:
            self._crew.stop()

    def _close_sockets(self, _: do.CloseSockets) -> None:
        if self._listening is not None:
            self._listening.close()

    def _report(self, effect: do.Report) -> None:
        if isinstance(effect.what, BaseException):
            self._error = self._error or effect.what
        else:
            _reload_log.error("%s", effect.what)

    def _kill(self, _: do.KillWorkers) -> None:
        if self._crew is not None:
            self._crew.kill()

    def _exit(self, _: do.Exit) -> None:
        """Whoever runs the life leaves it: nothing waits for events any more, and `run` raises what was reported."""

    _DO: ClassVar[dict[type[Any], Callable[[Life, Any], None]]] = {
        do.DetectKind: _detect,
        do.Bind: _bind,
        do.StartWorkers: _start_workers,
        do.Announce: _do_announce,
        do.NotifyReady: _notify_ready,
        do.NotifyReloading: _notify_reloading,
        do.NotifyStopping: _notify_stopping,
        do.StartGeneration: _start_generation,
        do.SwitchGeneration: _switched,
        do.BeginDrain: _drain,
        do.HastenDrain: _hasten,
        do.KillWorkers: _kill,
        do.CloseSockets: _close_sockets,
        do.Report: _report,
        do.Exit: _exit,
    }
