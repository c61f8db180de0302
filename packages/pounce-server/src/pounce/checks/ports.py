"""Whether every place can be listened on: each is bound as the server would, and left at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce.addresses import BindError, places, refusal_in_words
from pounce.places import FdPlace, ServicePlace, TcpPlace, UnixPlace, parse_place
from pounce_workers import UnixSocketFile, backlog_limit, bind_tcp_all, bind_udp, bind_unix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce.config import ServerConfig
    from pounce.places import Place

    from .report import Report

__all__ = ["check_ports"]

PORT: Final = "port"
"""Stands for host and port: who gave one of them named the place."""


def check_ports(config: ServerConfig, report: Report) -> None:
    """Try each place, of TCP, UDP and UNIX sockets."""
    for setting, place in _places(config):
        if isinstance(place, FdPlace | ServicePlace):
            report.add("note", "port", f"{place} is there only where the service is started: not looked at")
            continue
        try:
            _try(place, config, udp=setting == "quic_bind")
        except BindError as error:
            given = next((one for one in ("port", "host") if report.origin(one)), PORT) if setting == PORT else setting
            report.add("error", "port", str(error), setting=given)
        else:
            kind = " over UDP" if setting == "quic_bind" else ""
            report.add("ok", "port", f"{place} can be listened on{kind}", setting=setting)
    limit, backlog = backlog_limit(), config.worker.backlog
    if limit is not None and limit < backlog:
        advice = f"sysctl -w net.core.somaxconn={backlog}, or --backlog {limit}"
        report.add(
            "warning",
            "limits",
            f"the backlog of {backlog} is cut to {limit} by the system (net.core.somaxconn)",
            setting="backlog",
            do=advice,
        )


def _places(config: ServerConfig) -> Iterator[tuple[str, Place]]:
    """Each place, with the setting that names it."""
    own = places(config)
    named = next((name for name in ("bind", "uds") if getattr(config, name) not in (None, ())), PORT)
    yield from (("fd" if isinstance(place, FdPlace) and not config.bind else named, place) for place in own)
    yield from (("quic_bind", parse_place(text)) for text in config.quic_bind)
    if config.tls.ssl_redirect_port is not None:
        hosts = dict.fromkeys(place.host for place in own if isinstance(place, TcpPlace))
        yield from (("ssl_redirect_port", TcpPlace(host, config.tls.ssl_redirect_port)) for host in hosts)
    if config.prometheus.metrics and config.prometheus.metrics_bind is not None:
        yield "metrics_bind", parse_place(config.prometheus.metrics_bind)
    if config.inspection.introspection and config.inspection.introspection_bind is not None:
        yield "introspection_bind", parse_place(config.inspection.introspection_bind)


def _try(place: Place, config: ServerConfig, *, udp: bool) -> None:
    """
    Raises:
        BindError: the system refused.
    """
    with refusal_in_words(place, option="--quic-bind" if udp else "--port"):
        if isinstance(place, TcpPlace) and udp:
            for slot in bind_udp([place], slots=1):
                slot.close()
        elif isinstance(place, TcpPlace):
            for sock in bind_tcp_all([place], config.worker.backlog):
                sock.close()
        elif isinstance(place, UnixPlace):
            sock = bind_unix(place.path, config.worker.backlog)
            file = UnixSocketFile.of(sock)
            if file is not None:
                file.remove()
            sock.close()
