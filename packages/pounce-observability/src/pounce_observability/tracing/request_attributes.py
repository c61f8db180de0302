"""What spans say of a request before it is answered, by the stable semantic conventions for HTTP servers. Pure.

The names are written here rather than imported: their package is an unstable one, and these will not change. The
clauses are those of the documents "HTTP spans" and "URL attributes" of the conventions, version 1.38.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "OTHER_METHOD",
    "SIGNING_KEYS",
    "known_methods",
    "method_of",
    "protocol_of",
    "query_of",
    "request_attributes",
    "span_name",
]

OTHER_METHOD: Final = "_OTHER"
"""What stands for a method that is not known, so that clients cannot invent names of spans and of time series."""

# RFC 9110, 9.3, RFC 5789 (PATCH) and the QUERY method of the HTTP working group.
_METHODS: Final = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"),
)
_KNOWN_METHODS_VARIABLE: Final = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"

SIGNING_KEYS: Final = frozenset(
    (
        "AWSAccessKeyId",
        "Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Goog-Signature",
        "sig",
    )
)
"""The values of these are credentials in links that have been signed; keys are compared with respect to case. The
first two were in the list of earlier versions: who signs with them still needs them hidden."""

_SIGNED: Final = re.compile(rf"(?:^|(?<=[&;]))({'|'.join(sorted(SIGNING_KEYS))})=[^&;]*")
_PART: Final = re.compile(r"([^&;=]+)=[^&;]*")

_PROTOCOLS: Final = {"1.0": "http/1.0", "1.1": "http/1.1", "2": "h2", "3": "h3"}
_PROXY_FIELDS: Final = frozenset((b"forwarded", b"x-forwarded-for"))
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_HOST: Final = re.compile(
    r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::([0-9]{1,5}))?"
)  # RFC 9110, 7.2: uri-host [":" port]
_UNRESERVED_IN_PATH: Final = "/!$&'()*+,;=:@-._~"  # RFC 3986, 3.3: pchar and the slash


def known_methods(environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """The methods that are told as they are; a variable of OpenTelemetry replaces the list."""
    text = (os.environ if environ is None else environ).get(_KNOWN_METHODS_VARIABLE, "")
    listed = frozenset(name for part in text.split(",") if (name := part.strip()))
    return listed or _METHODS


def method_of(scope: Any) -> str:
    """The request's method. That of a WebSocket's handshake is not in its scope, but follows from the protocol."""
    if scope["type"] == "http":
        method: str = scope["method"]
        return method
    return "GET" if scope.get("http_version", "1.1").startswith("1") else "CONNECT"  # RFC 6455, 4.1; RFC 8441, 4


def protocol_of(scope: Any) -> str:
    """The wire protocol by its ALPN name, such as ``h2``."""
    version = scope.get("http_version", "")
    return _PROTOCOLS.get(version, f"http/{version}")


def query_of(query_string: bytes) -> str:
    """The query as it came, but for what is secret in it ("URL attributes", ``url.query``)."""
    text = query_string.decode("ascii", "backslashreplace")
    if "=" not in text:
        return text
    if "%" in text:  # a key may be encoded too
        return _PART.sub(lambda part: f"{part[1]}=REDACTED" if unquote(part[1]) in SIGNING_KEYS else part[0], text)
    return _SIGNED.sub(r"\1=REDACTED", text)


def request_attributes(scope: Any, method: str, known: frozenset[str]) -> dict[str, str | int]:
    """The attributes that a sampler is to see."""
    scheme = scope.get("scheme", "http")
    attributes: dict[str, str | int] = {
        "http.request.method": method if method in known else OTHER_METHOD,
        "url.scheme": scheme,
        "url.path": _path_of(scope),
        "network.protocol.name": "http",
        "network.protocol.version": scope.get("http_version", "1.1"),
        "pounce.protocol": protocol_of(scope),
    }
    if method not in known:
        attributes["http.request.method_original"] = method
    query = scope.get("query_string")
    if query:
        attributes["url.query"] = query_of(query)
    host = agent = None
    told = False
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"user-agent":
            agent = value
        elif name in _PROXY_FIELDS:
            told = True
    if agent is not None:
        attributes["user_agent.original"] = agent.decode("latin-1")
    _add_client(attributes, scope.get("client"), told=told)
    _add_server(attributes, host, scope.get("server"), scheme)
    request_id = (scope.get("state") or {}).get("request_id")
    if isinstance(request_id, str):
        attributes["pounce.request.id"] = request_id
    return attributes


def span_name(attributes: Mapping[str, Any]) -> str:
    """The name of a span as long as no route is known ("HTTP spans", Name)."""
    method: str = attributes["http.request.method"]
    return "HTTP" if method == OTHER_METHOD else method


def _path_of(scope: Any) -> str:
    """As it was written in the request, percent-encoded ("URL attributes", ``url.path``)."""
    raw: bytes | None = scope.get("raw_path")
    if raw:
        # Some servers leave the query in it.
        return raw.partition(b"?")[0].decode("ascii", "backslashreplace")
    return quote(scope["path"], safe=_UNRESERVED_IN_PATH)


def _add_client(attributes: dict[str, str | int], client: Any, *, told: bool) -> None:
    """``told``: a proxy has told of clients. The one in the scope may be one of those, and the peer unknown."""
    if client:
        attributes["client.address"] = client[0]
        if not told:
            attributes["network.peer.address"] = client[0]
            if client[1]:
                attributes["network.peer.port"] = client[1]


def _add_server(attributes: dict[str, str | int], host: bytes | None, server: Any, scheme: str) -> None:
    """The server by the name that the client called it ("HTTP spans", setting ``server.address``), else its own."""
    found = _HOST.fullmatch(host.decode("latin-1")) if host else None
    if found is not None:
        attributes["server.address"] = found[1].strip("[]")
        port = int(found[2]) if found[2] else _DEFAULT_PORTS.get(scheme)
        if port is not None:
            attributes["server.port"] = port
    elif server:
        attributes["server.address"] = server[0]
        if server[1] is not None:
            attributes["server.port"] = server[1]
