"""What the main process knows of all workers, threads or processes, and tells whoever asks."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from pounce_observability.logging_setup import reopen_log_files
from pounce_workers import NoAnswer

from .questions import LocalQuestions, ParentQuestions
from .versions import pounce_version

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Sequence

    from pounce_workers import SlotHandle

    from .admin_server import AdminServer
    from .config import ServerConfig
    from .crew import Crew
    from .observation import Observation
    from .questions import Questions

__all__ = ["Overview"]

REOPEN_SECONDS: Final = 5.0
"""For worker processes to open the files of their logs anew."""

_log = logging.getLogger("pounce.server")


class Overview:
    """Made when the application has been imported, where threads serve it. Any thread may use it."""

    def __init__(self, config: ServerConfig, stack: contextlib.ExitStack, *, processes: bool) -> None:
        """Leaving ``stack``, after the last worker has ended, ends it.

        Raises:
            ConfigError: a part cannot be had.
            BindError: a place for answers cannot be had.
        """
        self._crew: Crew | None = None
        self._totals: Any = None
        self._died = 0
        """Workers that ended without being told to. Written by the thread that hears of ends."""
        self.observation: Observation | None = None
        """Of the workers that are threads of this process."""
        self.questions: Questions
        collect: Callable[[], Any] = dict
        if processes:
            self.questions = ParentQuestions(self._everyone)
            if config.prometheus.metrics:
                from pounce_observability.metrics import Metrics, MetricsTotals

                from .observation import METRICS_OF_ALL

                own = Metrics(config.prometheus, application=False, version=pounce_version())
                self._count_deaths(own)
                gather: Any = self.questions.gather
                self._totals = MetricsTotals(gather, processes=True, local=own)
                self.questions.answers[METRICS_OF_ALL] = self._totals.answer
                collect = self._totals.collect
        else:
            from .observation import Observation, live_threads

            self.questions = LocalQuestions()
            self.observation = Observation(config, stack, self.questions)
            self.observation.workers = lambda: live_threads(self._everyone())
            self.observation.generation = self._generation
            if self.observation.metrics is not None:
                self._count_deaths(self.observation.metrics)
            collect = self.observation.collect
        self._admin: AdminServer | None = None
        if config.wants_admin_server:
            from .admin_server import AdminServer

            self._admin = AdminServer(config, self.questions, collect)
            stack.callback(self._admin.stop)

    def begin(self, crew: Crew) -> None:
        """These are the workers; answer from now on."""
        self._crew = crew
        if self._admin is not None:
            self._admin.start()

    @property
    def offers(self) -> Sequence[str]:
        """What operators are told, and where, in words."""
        return self._admin.offers if self._admin is not None else ()

    def ended(self, handle: SlotHandle) -> None:
        """A worker has ended: keep what it left behind."""
        if handle.exit is not None and not handle.exit.expected:
            self._died += 1
        word = getattr(handle, "word", None)  # of a process
        if self._totals is not None and word is not None:
            self._totals.keep(word)

    def reopen_files(self) -> None:
        """Open the files of the logs anew, here and in worker processes. Returns at once."""
        threading.Thread(target=self._reopen_files, name="pounce-reopen", daemon=True).start()

    def _reopen_files(self) -> None:
        reopen_log_files()
        try:
            for answer in self.questions.gather("reopen", {}, REOPEN_SECONDS):
                if answer["error"]:
                    _log.warning("process %d keeps its log files: %s", answer["pid"], answer["error"])
        except NoAnswer as error:
            _log.warning("worker processes keep their log files: %s", error)

    def _count_deaths(self, metrics: Any) -> None:
        from pounce_observability.metrics import number_source

        metrics.add_source(number_source("pounce_worker_restarts_total", lambda: self._died))

    def _everyone(self) -> Sequence[SlotHandle]:
        return self._crew.everyone if self._crew is not None else ()

    def _generation(self) -> int:
        handles = self._crew.handles if self._crew is not None else ()
        return max((handle.generation for handle in handles), default=1)
