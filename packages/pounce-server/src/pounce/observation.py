"""What looks at the requests of one process: access log, warnings, metrics, traces, profiles, questions from outside.

It chooses and connects; each part lives in ``pounce_observability`` and is imported only where it is on. One object for
each process that serves, over all generations of its code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_observability.access_log import opened_access_log
from pounce_observability.logging_setup import reopen_log_files
from pounce_workers import LiveWorker, loop_watches

from .error_reports import FLUSH_SECONDS
from .quiet_paths import quiet_paths
from .shown_config import shown_config
from .versions import pounce_version

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable, Sequence

    from pounce_asgi import Subscriber
    from pounce_asgi.request_sampler import RequestSampler

    from .config import ServerConfig
    from .questions import Questions
    from .shared_limits import SharedLimits

__all__ = ["METRICS_OF_ALL", "Observation", "live_threads"]

METRICS_OF_ALL: Final = "metrics_totals"
"""What a worker process asks the main one: the metrics of all."""


class Observation:
    """Any thread may use it."""

    def __init__(
        self,
        config: ServerConfig,
        stack: contextlib.ExitStack,
        questions: Questions,
        *,
        worker_id: int | None = None,
        collect: Callable[[], Any] | None = None,
    ) -> None:
        """Made when the application has been imported; leaving ``stack``, after the last worker has ended, writes and
        sends what is left. ``worker_id``: this process is that worker. ``collect`` gives the metrics of all processes;
        without it this one's are all.

        Raises:
            ConfigError: a part cannot be had, such as a file that cannot be written.
        """
        self._config = config
        self.workers: Callable[[], Iterable[LiveWorker]] = tuple
        """Those that live; whoever makes workers sets it."""
        self.generation: Callable[[], int] = lambda: 1
        """The number of the import of the application that serves; set as well."""
        self.access_log = opened_access_log(config.access, stack, quiet_paths=quiet_paths(config))
        self._worker_id = worker_id
        self._start_advice(stack)
        self._start_questions(questions)
        self.metrics: Any = None
        """What this process counts; None while metrics are off."""
        self.collect: Callable[[], Any] = collect or dict
        """All metrics of the server; blocks."""
        if config.prometheus.metrics:
            self._start_metrics(stack, questions, collect)
        if config.tracing.otel:
            from pounce_observability.tracing import start_tracing

            stack.callback(start_tracing(config.tracing).shutdown, FLUSH_SECONDS)

    # -- for the workers ---------------------------------------------------------------------------------------------

    def listeners_for_worker(self, worker_id: int, *, shared: bool) -> list[Subscriber[Any]]:
        """Who hears of what a worker does. Made in its thread; ``shared``: several of its threads will call."""
        parts = [self.access_log, self._advice, self.metrics]
        found: list[Subscriber[Any]] = []
        for part in parts:
            if part is not None:
                found += part.listeners_for_worker(worker_id, shared=shared)
        if self._config.inspection.introspection:
            from pounce_observability.introspection import listeners_for_worker

            found += listeners_for_worker(worker_id, shared=shared)
        return found

    def sampler(self, worker_id: int) -> RequestSampler | None:
        """What looks closely at every Nth request of a worker; None while that is off."""
        if not self._config.profiling.profile:
            return None
        from pounce_observability.profiling import request_sampler

        return request_sampler(self._config.profiling, worker_id)

    def watch(self, worker: Any, worker_id: int) -> None:
        """Look after the loops of this worker while it lives."""
        self._advice.watch(worker, worker_id)

    def count_limits(self, limits: SharedLimits) -> None:
        """Count what is refused by limits that all workers of the process share."""
        if self.metrics is not None:
            from pounce_observability.metrics import queue_source, rate_limit_source

            if limits.rate is not None:
                self.metrics.add_source(rate_limit_source(limits.rate))
            if limits.shedder is not None:
                self.metrics.add_source(queue_source(limits.shedder))

    def reopen_files(self) -> None:
        """Open the files of the logs anew: somebody has moved them away."""
        reopen_log_files()
        if self.access_log is not None:
            self.access_log.reopen()

    # -- parts -------------------------------------------------------------------------------------------------------

    def _start_advice(self, stack: contextlib.ExitStack) -> None:
        from pounce_observability.advice import Advice

        self._advice = Advice(self._config.advice, loops=loop_watches, limits=shown_config(self._config))
        self._advice.start()
        stack.callback(self._advice.stop)

    def _start_questions(self, questions: Questions) -> None:
        questions.answers["reopen"] = lambda _: self.reopen_files()
        asked = self._config.inspection.introspection
        if asked or self._config.prometheus.metrics:
            from pounce_workers import Inspection

            questions.answers.update(Inspection(lambda: self.workers(), version=pounce_version()).answers)
        if asked:
            from pounce_observability.profiling import ThreadProfiler

            questions.answers.update(ThreadProfiler(worker_of=self._worker_of).answers)

    def _worker_of(self, thread_id: int, _name: str) -> str | None:
        for live in self.workers():
            for loop in getattr(live.worker, "served_loops", ()):
                if loop.thread_id == thread_id:
                    return f"worker {live.worker_id}"
        return None

    def _start_metrics(
        self, stack: contextlib.ExitStack, questions: Questions, collect: Callable[[], Any] | None
    ) -> None:
        from pounce_observability.metrics import Metrics, MetricsTotals, number_source

        from .worker_readings import loop_readings, worker_readings

        worker = "" if self._worker_id is None else str(self._worker_id)
        self.metrics = Metrics(self._config.prometheus, worker=worker, version=pounce_version())
        self.metrics.start()
        stack.callback(self.metrics.close)
        questions.answers["metrics"] = self.metrics.answer
        if collect is None:
            gather: Any = questions.gather
            self.collect = MetricsTotals(gather).collect
        add = self.metrics.add_source
        add(loop_readings(self._advice.loop_lags))
        add(worker_readings(questions.answers["workers"]))
        add(number_source("pounce_reload_generation", lambda: self.generation()))
        log = self.access_log
        if log is not None:
            add(number_source("pounce_access_log_lines_dropped_total", lambda: log.dropped))


def live_threads(handles: Sequence[Any]) -> list[LiveWorker]:
    """The workers behind handles of threads."""
    return [
        LiveWorker(handle.worker_id, handle.generation, "thread", handle.worker)
        for handle in handles
        if getattr(handle, "worker", None) is not None
    ]
