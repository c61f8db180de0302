"""A worker process from the inside: what its parent starts, through ``pounce_workers``."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from pounce_asgi import AppImportError
from pounce_observability.logging_setup import flush_logs, set_up_logging
from pounce_workers import ConnectionBudget, GilWatch, LiveWorker

from .env_file import apply_env_file
from .error_reports import begin_error_reports
from .fresh_import import FreshImport
from .observation import METRICS_OF_ALL, Observation
from .questions import ChildQuestions
from .server_health import Health
from .shared_limits import SharedLimits
from .worker_certificates import worker_certificates
from .worker_factory import WorkerFactory

if TYPE_CHECKING:
    import socket

    from pounce_workers import Birth

    from .config import ServerConfig
    from .http3 import Http3Service
    from .process_payload import ProcessPayload

__all__ = ["main"]

ANSWER_SECONDS = 5.0
"""For the main process to ask all others."""

_error_log = logging.getLogger("pounce.error")


def main(birth: Birth) -> None:
    """Import the application, serve it on the inherited sockets, and return when the worker has ended.

    Raises:
        PounceError: it cannot serve; the parent is told.
    """
    payload: ProcessPayload = birth.payload
    config = payload.config
    if payload.sets_up_logging:
        set_up_logging(config.logs)
    if config.env_file is not None:
        apply_env_file(config.env_file)
    with contextlib.ExitStack() as stack:
        stack.callback(flush_logs)
        begin_error_reports(config, stack, birth.worker_id)
        tls, quic = stack.enter_context(worker_certificates(config, birth))
        http3 = _http3(config, quic, birth)
        health = Health(config.worker.worker_stall_timeout)
        health.draining = lambda: birth.told_to_end
        code = _imported(config, birth)
        observation = _observation(config, stack, birth)
        limits = SharedLimits(config, payload.workers)
        observation.count_limits(limits)
        factory = WorkerFactory(
            _with_its_share(config, payload.workers, birth.worker_id),
            code,
            observation=observation,
            budget=_budget(config, payload.workers, birth.worker_id),
            multiprocess=True,
            cpus=payload.cpus,
            tls=tls,
            http3=http3,
            limits=limits,
            health=health,
        )
        worker = factory.make(birth.worker_id, birth.ready, _own_sockets(birth), shared_sockets=True)
        observation.workers = lambda: [LiveWorker(birth.worker_id, birth.generation, "process", worker)]
        try:
            birth.attach(worker)
            worker.run()
        finally:
            birth.served()
            factory.close()
            if observation.metrics is not None:
                birth.leave_word(observation.metrics.snapshot())


def _observation(config: ServerConfig, stack: contextlib.ExitStack, birth: Birth) -> Observation:
    def collect() -> Any:
        return birth.ask(METRICS_OF_ALL, {}, ANSWER_SECONDS)

    made = Observation(config, stack, ChildQuestions(birth), worker_id=birth.worker_id, collect=collect)
    made.generation = lambda: birth.generation
    return made


def _http3(config: ServerConfig, certificates: Any, birth: Birth) -> Http3Service | None:
    payload: ProcessPayload = birth.payload
    if payload.http3 is None:
        return None
    from .http3 import service_in_process

    service = service_in_process(config, payload.http3, certificates, birth.sockets, birth.worker_id)
    del birth.sockets[payload.http3.first :]  # what is left are those that listen
    return service


def _own_sockets(birth: Birth) -> list[socket.socket]:
    """Those on which this worker accepts; what it inherited of the others is closed."""
    payload: ProcessPayload = birth.payload
    if not payload.places:
        return birth.sockets
    own = set(payload.places[birth.worker_id])
    for index, sock in enumerate(birth.sockets):
        if index not in own:
            sock.close()
    return [sock for index, sock in enumerate(birth.sockets) if index in own]


def _imported(config: ServerConfig, birth: Birth) -> Any:
    # Within the watch, for its warning is the parent's business: where processes serve, the GIL is no surprise.
    with GilWatch():
        try:
            return FreshImport.of(config).load()
        except AppImportError as error:
            if birth.told_to_end:
                raise SystemExit(0) from None  # what is raised to leave the import is no mistake of the application
            if error.__cause__ is not None:
                _error_log.error("The application raised:", exc_info=error.__cause__)
            raise


def _with_its_share(config: ServerConfig, workers: int, worker_id: int) -> ServerConfig:
    limit = _share(config.worker.limit_concurrency, workers, worker_id)
    return dataclasses.replace(config, worker=dataclasses.replace(config.worker, limit_concurrency=limit), workers=1)


def _budget(config: ServerConfig, workers: int, worker_id: int) -> ConnectionBudget | None:
    limit = _share(config.worker.limit_concurrency, workers, worker_id)
    return ConnectionBudget(limit) if limit is not None else None


def _share(limit: int | None, workers: int, worker_id: int) -> int | None:
    """A process's part of a limit of the server: the parts add up to it, but each has at least one."""
    if limit is None:
        return None
    return max(1, limit * (worker_id + 1) // workers - limit * worker_id // workers)
