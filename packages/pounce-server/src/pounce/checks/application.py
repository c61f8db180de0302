"""The application itself: that it can be imported and made, what it does to the GIL, and that its lifespan runs."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

from pounce.env_file import apply_env_file
from pounce.fresh_import import FreshImport
from pounce.shared_limits import SharedLimits
from pounce.worker_choice import reloadable
from pounce.worker_factory import WorkerFactory, interface_of
from pounce_asgi import AppImportError, LifespanError, PounceError
from pounce_workers import Interpreter, detect_kind, worker_count

if TYPE_CHECKING:
    from pounce.config import ServerConfig
    from pounce.fresh_import import ImportedCode
    from pounce_workers import Decision, GilWatch

    from .report import Report

__all__ = ["Imported", "check_import", "check_lifespan", "check_workers"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The application."""

    importer: FreshImport
    code: ImportedCode
    interface: str


def check_import(config: ServerConfig, report: Report) -> Imported | None:
    """Import it as the server does, here, where worker processes would; None if it cannot be had."""
    importer = FreshImport.of(config)
    try:
        if config.env_file is not None:
            apply_env_file(config.env_file)
        with report.hearing("import"):
            code = importer.load()
        interface = interface_of(code.app, config)
    except AppImportError as error:
        report.add("error", "import", str(error), setting="app", do=_advice(error), error=error.__cause__)
        return None
    except PounceError as error:
        report.add("error", "import", str(error), setting="app")
        return None
    made = f"{config.app}() makes" if config.factory else f"{config.app} is"
    report.add("ok", "import", f"{made} an application ({interface.value})", setting="app")
    return Imported(importer=importer, code=code, interface=interface.value)


def check_workers(config: ServerConfig, watch: GilWatch, report: Report) -> Decision:
    """Threads or processes, as the server would choose; ``watch`` has seen the import, and that of extras."""
    now = Interpreter.now()
    decision = detect_kind(
        now, requested=config.worker_kind, workers=worker_count(config.workers), culprits=watch.culprits
    )
    decision = reloadable(config, decision)
    told = [one.warning for one in watch.culprits]
    for warning in told:
        _add_culprit(warning, report)
    for warning in decision.warnings:
        if warning not in told:
            report.add("warning", "workers", warning, setting="worker_kind")
    if now.free_threaded and now.gil_on and not told:
        report.add(
            "warning",
            "GIL",
            "the GIL is on, although this Python can do without",
            do="unset PYTHON_GIL, leave -X gil=1 out",
        )
    report.add("ok", "workers", decision.summary, setting="workers")
    return decision


def check_lifespan(
    config: ServerConfig, imported: Imported, decision: Decision, watch: GilWatch, report: Report
) -> None:
    """Make real workers, without sockets, and let them run the startup and the shutdown. Threads that share the
    application run it twice, as at least two of them would: what the second does to the first is found.
    """
    quiet = _unobserved(config)
    threads = decision.kind == "thread" and decision.workers > 1
    workers = 2 if threads and not config.app_per_worker else 1
    with report.hearing("lifespan"):
        _run_workers(dataclasses.replace(quiet, workers=workers), imported.code, report, threads=threads)
        # What is imported by then has had its say about the GIL. Two looks, because one may be a passing state.
        late = watch.look_again() or watch.look_again()
    if late is not None:
        _add_culprit(late.warning_among(decision.workers if decision.kind == "thread" else 1), report)


def _add_culprit(warning: str, report: Report) -> None:
    what, _, cure = warning.partition(". What helps: ")
    report.add("warning", "GIL", what, do=cure)


def _unobserved(config: ServerConfig) -> ServerConfig:
    """The same, but nobody outside hears of a server that only seems to run."""
    return dataclasses.replace(
        config,
        prometheus=dataclasses.replace(config.prometheus, metrics=False),
        tracing=dataclasses.replace(config.tracing, otel=False),
        sentry=dataclasses.replace(config.sentry, sentry_dsn=None),
        inspection=dataclasses.replace(config.inspection, introspection=False),
    )


def _run_workers(config: ServerConfig, code: ImportedCode, report: Report, *, threads: bool) -> None:
    try:
        factory = WorkerFactory(config, code, limits=SharedLimits(config))
        try:
            if threads and not factory.blocks:
                _run_in_threads(factory, config.workers)
            elif not factory.blocks:  # a lone worker, and that of a process, has the main thread
                _run_here(factory)
        finally:
            factory.close()
    except PounceError as error:
        is_lifespan = isinstance(error, LifespanError)
        cause = error.__cause__
        raised = f": {type(cause).__name__}: {cause}" if cause is not None and is_lifespan else ""
        advice = "mend what it raised; what it needs (a database, a variable) must be there where it is checked"
        check = "lifespan" if is_lifespan else "middleware"
        report.add("error", check, f"{error}{raised}", error=cause, do=advice if is_lifespan else None)
        return
    if factory.blocks:
        report.add("note", "lifespan", "applications that block have none")
    elif config.exchange.lifespan == "off":
        report.add("note", "lifespan", "it is switched off, so it was not run", setting="lifespan")
    elif not any(one.check == "lifespan" and one.level == "note" for one in report.findings):
        report.add("ok", "lifespan", "startup and shutdown were run")


def _run_here(factory: WorkerFactory) -> None:
    started = threading.Event()
    worker = factory.make(0, started.set)
    # A worker that is asked to stop before its startup is complete does not wait for that.
    waiting = threading.Thread(target=lambda: (started.wait(), worker.request_stop()), daemon=True)
    waiting.start()
    try:
        worker.run()
    finally:
        started.set()


def _run_in_threads(factory: WorkerFactory, count: int) -> None:
    runs = [_Run(factory, number) for number in range(count)]
    try:
        for run in runs:
            run.start()
    finally:
        for run in runs:
            run.end()


class _Run:
    """One worker in a thread of its own, from its birth to its end."""

    def __init__(self, factory: WorkerFactory, number: int) -> None:
        self._factory = factory
        self._number = number
        self._worker: Any = None
        self._error: BaseException | None = None
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"pounce-check-{number}", daemon=True)

    def start(self) -> None:
        """Returns when the startup is complete.

        Raises:
            PounceError: it failed.
        """
        self._thread.start()
        self._settled.wait()
        self._raise()

    def end(self) -> None:
        """Returns when the shutdown is complete.

        Raises:
            PounceError: it failed.
        """
        if self._thread.ident is None:
            return
        if self._worker is not None:
            self._worker.request_stop()
        self._thread.join()
        self._raise()

    def _live(self) -> None:
        try:
            self._worker = self._factory.make(self._number, self._settled.set)
            self._worker.run()
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self._error = error
        finally:
            self._settled.set()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error


def _advice(error: AppImportError) -> str | None:
    """What helps when it was not the name that was wrong."""
    if error.__cause__ is None:
        return None
    if isinstance(error.__cause__, ModuleNotFoundError):
        return f"install what has the module {error.__cause__.name!r}, in the environment that runs the server"
    return "mend what it raised; what it needs (files, variables) must be there where it is checked"
