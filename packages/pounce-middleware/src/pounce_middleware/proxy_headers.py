"""The client's address, scheme and host as trusted proxies tell them (``X-Forwarded-*``, or RFC 7239 ``Forwarded``).

The scope is changed in place, as uvicorn does, so that whoever holds it (an access log, for one) sees the same client
as the application. Fields of peers that are not trusted are left alone, or removed on request. Hot path.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pounce_middleware.host_value import parse_host
from pounce_middleware.proxy_report import FIELDS, NOTHING, read_reports
from pounce_middleware.proxy_settings import LOOPBACK, PARTS, ProxyHeaderSettings
from pounce_middleware.trusted_networks import TrustedNetworks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.proxy_report import ProxyReport

__all__ = ["ProxyHeadersMiddleware"]

MEMO_SIZE: Final = 512
"""Entries for each thread. Clients on kept-alive connections of a proxy come again and again; 512 of them at once are
about 300 KB. It is emptied when it is full, which costs less than knowing which entry is the oldest."""

MEMO_KEY_SIZE: Final = 1024
"""Bytes of field values above which nothing is remembered: somebody plays."""

_ALL_FIELDS: Final = frozenset(name for family in FIELDS.values() for name in family.values())
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class _Memo(threading.local):
    """What was read, by peer and fields. Each thread has its own, so none waits for another."""

    def __init__(self) -> None:
        self.reports: dict[tuple[object, ...], ProxyReport] = {}


class ProxyHeadersMiddleware:
    """ASGI middleware for ``http`` and ``websocket`` scopes. One instance may serve any number of loops and threads."""

    def __init__(
        self,
        app: AnyApplication,
        *,
        trusted: Iterable[str] = LOOPBACK,
        family: str = "x-forwarded",
        parts: Iterable[str] = ("for", "proto"),
        hops: int | None = None,
        strip: bool = False,
    ) -> None:
        """``trusted`` are the members of a `TrustedNetworks`. The others are the settings of `ProxyHeaderSettings`.

        Raises:
            ValueError: an option is out of its range.
        """
        settings = ProxyHeaderSettings(
            forwarded_allow_ips=tuple(trusted),
            forwarded_family=family,  # type: ignore[arg-type]  # looked at there
            forwarded_parts=tuple(parts),
            forwarded_hops=hops,
            forwarded_strip=strip,
        )
        self.app = app
        self._networks = TrustedNetworks(settings.forwarded_allow_ips)
        self._family = settings.forwarded_family
        self._parts = frozenset(settings.forwarded_parts)
        self._hops = settings.forwarded_hops
        self._part_of = {
            name: part
            for part, name in FIELDS[settings.forwarded_family].items()
            # The chain is walked also for the others: it tells whose word counts.
            if part == "for" or part in self._parts
        }
        self._strips = strip
        self._memo = _Memo()

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: ProxyHeaderSettings) -> ProxyHeadersMiddleware:
        """With the options of the command line."""
        return cls(
            app,
            trusted=settings.trusted,
            family=settings.forwarded_family,
            parts=settings.forwarded_parts,
            hops=settings.forwarded_hops,
            strip=settings.forwarded_strip,
        )

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Look at the fields, and go on."""
        if scope["type"] == "http" or scope["type"] == "websocket":
            part_of = self._part_of
            found = [pair for pair in scope["headers"] if pair[0] in part_of]
            client = scope.get("client")
            host = client[0] if client else None
            if found:
                key = (host, *found)
                report = self._memo.reports.get(key)
                if report is None:
                    report = self._read(host, found, key)
                if report is not NOTHING:
                    apply_report(scope, report)
            if self._strips:
                self._strip(scope, host)
        await self.app(scope, receive, send)

    def _read(self, host: str | None, found: list[tuple[bytes, bytes]], key: tuple[object, ...]) -> ProxyReport:
        if not self._networks.trusts_peer(host):
            report = NOTHING
        else:
            lines: dict[str, list[str]] = {part: [] for part in PARTS}
            for name, value in found:
                lines[self._part_of[name]].append(value.decode("latin-1"))
            report = read_reports(
                lines, family=self._family, parts=self._parts, networks=self._networks, hops=self._hops
            )
            if not any(report):
                report = NOTHING
        if sum(len(value) for _, value in found) <= MEMO_KEY_SIZE:
            reports = self._memo.reports
            if len(reports) >= MEMO_SIZE:
                reports.clear()
            reports[key] = report
        return report

    def _strip(self, scope: Any, peer: str | None) -> None:
        """Take away what was not believed: all of a peer that is not trusted, else the parts that nobody reads. With an
        underscore in its name a field is never believed, but becomes the same variable of CGI in an application.
        """
        kept = frozenset(self._part_of) if self._networks.trusts_peer(peer) else frozenset()
        headers = scope["headers"]
        if any(name.replace(b"_", b"-") in _ALL_FIELDS and name not in kept for name, _ in headers):
            scope["headers"] = [
                pair for pair in headers if pair[0].replace(b"_", b"-") not in _ALL_FIELDS or pair[0] in kept
            ]


def apply_report(scope: Any, report: ProxyReport) -> None:
    """Let the scope say what is known of its client."""
    client, scheme, host, port, prefix = report
    if client is not None:
        scope["client"] = client
    if scheme is not None:
        if scope["type"] == "websocket":
            scheme = "wss" if scheme == "https" else "ws"
        scope["scheme"] = scheme
    if host is not None or port is not None:
        _set_host(scope, report)
    if prefix:
        # As with a root path of the server itself: path and raw_path begin with it (ASGI HTTP 2.5, root_path).
        decoded = unquote(prefix)
        scope["root_path"] = decoded + scope.get("root_path", "")
        scope["path"] = decoded + scope["path"]
        if scope.get("raw_path") is not None:
            scope["raw_path"] = prefix.encode("ascii") + scope["raw_path"]


def _set_host(scope: Any, report: ProxyReport) -> None:
    """Replace the Host field; frameworks make links of it. A port that the scheme has anyway is left out."""
    host = report.host
    if host is None:
        own = next((value for name, value in scope["headers"] if name == b"host"), b"")
        host = parse_host(own.decode("latin-1"))
        if host is None:
            return
    if report.port is not None and host.port is None:
        host = host._replace(port=None if report.port == _DEFAULT_PORTS.get(scope["scheme"]) else report.port)
    headers = [pair for pair in scope["headers"] if pair[0] != b"host"]
    scope["headers"] = [(b"host", str(host).encode("ascii")), *headers]
