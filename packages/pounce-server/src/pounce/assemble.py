"""From a configuration to the parts that run. It chooses and connects; the parts themselves live in other packages."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from pounce_asgi import Interface, Listeners, ResponseCompleted, Subscriber, adapt, detect
from pounce_workers import Worker

from .access_log import AccessLog
from .addresses import Address, bind, unlink_unix_socket
from .chain import build_chain
from .env_file import apply_env_file
from .features import H11, UVLOOP
from .importer import load_application, prepare_path
from .logging_setup import access_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_asgi import ASGI3Application

    from .config import ServerConfig

__all__ = ["Assembly", "assembled"]

LOG_FLUSH_TIMEOUT: Final = 0.5
"""Seconds for the last lines of the access log; an output that is blocked for longer loses them, not the exit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of one server, ready to serve."""

    worker: Worker
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
    _require_features(config)
    if config.env_file is not None:
        apply_env_file(config.env_file)
    app, interface = _application(config)
    with contextlib.ExitStack() as stack:
        sockets = bind(config)
        for one in sockets:
            stack.callback(one.close)
        if config.uds is not None:
            stack.callback(unlink_unix_socket, config.uds, Path(config.uds).stat())
        worker = Worker(
            build_chain(app, config),
            sockets,
            settings=config.serving,
            listeners=_with_access_log(config, listeners or Listeners(), stack),
            on_started=on_started,
        )
        yield Assembly(worker=worker, interface=interface, addresses=tuple(Address.of(one) for one in sockets))


def _require_features(config: ServerConfig) -> None:
    if config.worker.http == "h11":
        H11.require("http h11")
    if config.worker.loop == "uvloop":
        UVLOOP.require("loop uvloop")


def _application(config: ServerConfig) -> tuple[ASGI3Application, Interface]:
    if isinstance(config.app, str):
        prepare_path(config.app_dir)
    app = cast("Callable[..., Any]", load_application(config.app, factory=config.factory))
    interface = detect(app) if config.interface == "auto" else Interface(config.interface)
    return adapt(app, interface), interface


def _with_access_log(config: ServerConfig, listeners: Listeners, stack: contextlib.ExitStack) -> Listeners:
    output = access_output() if config.access_log else None
    if output is None:
        return listeners
    log = AccessLog(output)
    listener = log.buffer().add
    log.start()
    stack.callback(log.stop, LOG_FLUSH_TIMEOUT)
    other = listeners.response_completed
    if other is not None:
        both = Listeners.of(Subscriber(listener, ResponseCompleted), Subscriber(other, ResponseCompleted))
        return dataclasses.replace(listeners, response_completed=both.response_completed)
    return dataclasses.replace(listeners, response_completed=listener)
