"""What an operator asks, on places of its own: a worker in a thread of the main process, beside all others.

It answers while the application's workers are busy, stalled or being replaced, and no client of the application reaches
it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import ConfigError
from pounce_asgi.settings import ExchangeSettings
from pounce_workers import UnixSocketFile, Worker, bind_tcp_all, bind_unix

from .addresses import refusal_in_words
from .places import TcpPlace, UnixPlace, parse_place
from .shown_config import shown_config
from .versions import pounce_version

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from .config import ServerConfig
    from .questions import Questions

__all__ = ["AdminServer"]

STOP_SECONDS: Final = 5.0
"""For its answers; a profile that is being taken is given up."""

OWNER_ONLY: Final = 0o600
"""The permissions of its UNIX sockets: what is in flight is nobody else's business."""

_log = logging.getLogger("pounce.server")


class AdminServer:
    """Listens from the beginning, and answers from `start` to `stop`."""

    def __init__(self, config: ServerConfig, questions: Questions, collect: Callable[[], Any]) -> None:
        """``collect`` gives the metrics of all processes; it blocks.

        Raises:
            ConfigError: a place cannot be understood, or is not the operator's own.
            BindError: the system refused.
        """
        apps: dict[TcpPlace | UnixPlace, dict[str, Any]] = {}
        if config.inspection.introspection:
            apps.setdefault(_introspection_place(config), {})["Introspection"] = _introspection(
                config, questions, collect
            )
        if config.prometheus.metrics and config.prometheus.metrics_bind is not None:
            from pounce_observability.metrics import MetricsApp

            app = MetricsApp(collect=collect, path=config.prometheus.metrics_path)
            apps.setdefault(_place("metrics_bind", config.prometheus.metrics_bind), {})["Metrics"] = app
        serving = dataclasses.replace(config.serving, exchange=ExchangeSettings(lifespan="off"))
        self.offers: list[str] = []
        """What there is, and where, in words."""
        self._workers: list[Worker] = []
        self._threads: list[threading.Thread] = []
        with contextlib.ExitStack() as undo:
            for place, several in apps.items():
                sockets = _bound(place, config)
                for sock in sockets:
                    undo.callback(sock.close)
                    if file := UnixSocketFile.of(sock):
                        undo.callback(file.remove)
                paths = {"Metrics": config.prometheus.metrics_path}
                self.offers += [f"{what} on {_in_words(place, sockets)}{paths.get(what, '')}" for what in several]
                worker = Worker(_one_of(several, config), sockets, settings=serving)
                self._workers.append(worker)
                self._threads.append(threading.Thread(target=worker.run, name="pounce-admin", daemon=True))
            self._undo = undo.pop_all()

    def start(self) -> None:
        """Begin to answer."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Answer no more, and close the places."""
        for worker in self._workers:
            worker.request_stop()
            worker.request_stop()
        for thread in self._threads:
            if thread.ident:
                thread.join(STOP_SECONDS)
        self._undo.close()


class _Both:
    """Introspection and metrics on one place."""

    def __init__(self, introspection: Any, metrics: Any, *, path: str) -> None:
        self._introspection = introspection
        self._metrics = metrics
        self._path = path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        app = self._metrics if scope.get("path") == self._path else self._introspection
        await app(scope, receive, send)


def _introspection(config: ServerConfig, questions: Questions, collect: Callable[[], Any]) -> Any:
    from pounce_observability.introspection import IntrospectionApp
    from pounce_observability.profiling.endpoint import ProfileEndpoint

    gather: Any = questions.gather
    return IntrospectionApp(
        gather=gather,
        settings=config.inspection,
        config=shown_config(config),
        info={"version": pounce_version()},
        metrics=collect if config.prometheus.metrics else None,
        also={"profile": ProfileEndpoint(gather)},
    )


def _introspection_place(config: ServerConfig) -> TcpPlace | UnixPlace:
    from pounce_observability.introspection import default_socket_path, prepare_run_directory

    if config.inspection.introspection_bind is not None:
        return _place("introspection_bind", config.inspection.introspection_bind)
    try:
        prepare_run_directory()
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise ConfigError(f"introspection: {why}; name another place with introspection_bind") from error
    return UnixPlace(str(default_socket_path()))


def _place(setting: str, text: str) -> TcpPlace | UnixPlace:
    try:
        place = parse_place(text)
    except ValueError:
        place = None
    if not isinstance(place, TcpPlace | UnixPlace):
        raise ConfigError(f"{setting}: {text!r} is not allowed; it must be HOST:PORT, [IPV6]:PORT or unix:PATH")
    return place


def _bound(place: TcpPlace | UnixPlace, config: ServerConfig) -> list[socket.socket]:
    option = "--introspection-bind or --metrics-bind"
    with refusal_in_words(place, option=option):
        if isinstance(place, TcpPlace):
            return list(bind_tcp_all([place], config.worker.backlog))
        return [bind_unix(place.path, config.worker.backlog, mode=OWNER_ONLY)]


def _one_of(apps: dict[str, Any], config: ServerConfig) -> Any:
    alone, *more = apps.values()
    return _Both(alone, *more, path=config.prometheus.metrics_path) if more else alone


def _in_words(place: TcpPlace | UnixPlace, sockets: list[socket.socket]) -> str:
    if isinstance(place, UnixPlace):
        return str(place)
    host, port = sockets[0].getsockname()[:2]
    return f"http://{TcpPlace(host, port)}"
