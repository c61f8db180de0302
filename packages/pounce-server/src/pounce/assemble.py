"""One worker for a program that has an event loop of its own. It chooses and connects; the parts live elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pounce_workers import LiveWorker

from .addresses import Address, listen
from .certificates import opened_certificates
from .chain import check_chain
from .env_file import apply_env_file
from .error_reports import begin_error_reports
from .features import require_features
from .fresh_import import FreshImport
from .observation import Observation
from .questions import LocalQuestions
from .quic_certificates import quic_certificates
from .shared_limits import SharedLimits
from .worker_factory import WorkerFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_asgi import Interface, Listeners
    from pounce_workers import SyncWorkerPool, Worker

    from .admin_server import AdminServer
    from .config import ServerConfig
    from .http3 import Http3Service

__all__ = ["Assembly", "assembled"]

_log = logging.getLogger("pounce.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of one server, ready to serve."""

    worker: Worker | SyncWorkerPool
    interface: Interface
    addresses: tuple[Address, ...]


@contextlib.contextmanager
def assembled(
    config: ServerConfig, *, on_started: Callable[[], None], listeners: Listeners | None = None
) -> Iterator[Assembly]:
    """Import the application, bind, and connect a worker to both; on leaving close and write what is left.

    Raises:
        ConfigError: an option needs a package that is not installed, or the env file cannot be read.
        AppImportError: the application cannot be had.
        BindError: the system does not let us listen.
    """
    require_features(config)
    check_chain(config)
    if without_effect := _without_effect(config):
        _log.warning(
            "serve() is one worker in the loop of this program, so there is no effect of %s; run() and "
            "serve_blocking() have more",
            ", ".join(without_effect),
        )
    if config.env_file is not None:
        apply_env_file(config.env_file)
    with contextlib.ExitStack() as stack:
        importer = FreshImport.of(config)
        stack.callback(importer.close)
        begin_error_reports(config, stack)
        code = importer.load()
        listening = listen(config)
        stack.callback(listening.close)
        certificates = quic_certificates(config)
        tls = stack.enter_context(opened_certificates(config, certificates))
        http3, quic_addresses = _opened_http3(config, certificates, stack)
        questions = LocalQuestions()
        observation = Observation(config, stack, questions)
        limits = SharedLimits(config)
        observation.count_limits(limits)
        admin = _admin_server(config, questions, observation)
        factory = WorkerFactory(
            dataclasses.replace(config, workers=1),
            code,
            observation=observation,
            limits=limits,
            listeners=listeners,
            tls=tls,
            http3=http3,
        )
        stack.callback(factory.close)
        addresses = (*listening.addresses, *quic_addresses)
        worker = factory.make(0, on_started, listening.sockets)
        observation.workers = lambda: [LiveWorker(0, 1, "thread", worker)]
        if admin is not None:
            stack.callback(admin.stop)
            admin.start()
            for offer in admin.offers:
                _log.info("%s", offer)
        yield Assembly(worker=worker, interface=factory.interface, addresses=addresses)


def _opened_http3(
    config: ServerConfig, certificates: Any, stack: contextlib.ExitStack
) -> tuple[Http3Service | None, tuple[Address, ...]]:
    if not config.quic_bind:
        return None, ()
    from .http3 import opened_http3

    return opened_http3(config, certificates, 1, stack)


def _admin_server(config: ServerConfig, questions: LocalQuestions, observation: Observation) -> AdminServer | None:
    if not config.wants_admin_server:
        return None
    from .admin_server import AdminServer

    return AdminServer(config, questions, observation.collect)


def _without_effect(config: ServerConfig) -> list[str]:
    """What was set about workers in the plural, and about what follows them."""
    worker = config.worker
    told = {
        "workers": config.workers != 1,
        "worker_kind": config.worker_kind == "process",
        "cpu_affinity": config.cpu_affinity,
        "reload": config.reloading.reload,
        "limit_max_requests": worker.limit_max_requests is not None,
        "workers_lifetime": worker.workers_lifetime is not None,
        "workers_max_rss": worker.workers_max_rss is not None,
    }
    return [name for name, is_set in told.items() if is_set]
