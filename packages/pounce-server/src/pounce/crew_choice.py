"""Which crew serves what was decided. What serves is imported here, and the other kind of workers never."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pounce_workers import allowed_cpus

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable

    from pounce_asgi import Listeners

    from .addresses import ListeningSockets
    from .config import ServerConfig
    from .crew import Crew, CrewCallbacks
    from .http3 import Http3Ports
    from .overview import Overview
    from .port_shares import PortShares
    from .preparation import Preparation
    from .thread_crews import SoloCrew

__all__ = ["CrewChoice"]


class CrewChoice:
    """Makes the crew. Used by one thread."""

    def __init__(
        self,
        config: ServerConfig,
        prepared: Preparation,
        listening: ListeningSockets,
        overview: Overview,
        *,
        http3: Http3Ports | None,
        shares_ports: bool,
        owns_process: bool,
        stack: contextlib.ExitStack,
    ) -> None:
        """``shares_ports``: each worker gets sockets of its own. Leaving ``stack`` closes what a crew does not."""
        workers = prepared.decision.workers
        self._config = dataclasses.replace(config, workers=workers)
        self._prepared = prepared
        self._sockets = listening.sockets
        self._overview = overview
        self._http3 = http3
        self._owns_process = owns_process
        self._cpus = allowed_cpus() if config.cpu_affinity else ()
        self.solo: SoloCrew | None = None
        """The crew, if its one worker is the thread that runs the life."""
        self._shares: PortShares | None = None
        if shares_ports:
            from .port_shares import PortShares

            self._shares = PortShares(listening.sockets, workers, config.worker.backlog)
            stack.callback(self._shares.close)

    def crew(
        self, tell: CrewCallbacks, *, listeners: Listeners | None, on_started_here: Callable[[], None] | None
    ) -> Crew:
        """Make it. ``listeners`` hear what threads do; ``on_started_here`` is called by a lone one that serves.

        Raises:
            ConfigError: what the application is cannot be told.
        """
        if self._prepared.decision.kind == "process":
            return self._processes(tell)
        return self._threads(tell, listeners, on_started_here)

    def _processes(self, tell: CrewCallbacks) -> Crew:
        from .process_crew import ProcessCrew
        from .worker_certificates import answer_with_last_good

        answers = self._overview.questions.answers
        answer_with_last_good(answers, self._prepared.tls)
        return ProcessCrew(
            self._config,
            self._sockets,
            tell,
            sets_up_logging=self._owns_process,
            cpus=self._cpus,
            shares=self._shares,
            http3=self._http3,
            answers=answers,
        )

    def _threads(
        self, tell: CrewCallbacks, listeners: Listeners | None, on_started_here: Callable[[], None] | None
    ) -> Crew:
        from .thread_crews import PortCrew, SoloCrew, ThreadCrew

        prepared, config = self._prepared, self._config
        parts: dict[str, Any] = {
            "importer": prepared.importer,
            "code": prepared.code,
            "observation": self._overview.observation,
            "listeners": listeners,
            "cpus": self._cpus,
            "tls": prepared.tls,
            "http3": self._http3.service(config, prepared.quic_certificates) if self._http3 is not None else None,
            "owns_process": self._owns_process,
        }
        if config.workers == 1:
            self.solo = SoloCrew(config, self._sockets, tell, on_started_here=on_started_here, **parts)
            return self.solo
        if self._shares is not None:
            return PortCrew(config, self._shares, tell, **parts)
        return ThreadCrew(config, self._sockets, tell, **parts)
