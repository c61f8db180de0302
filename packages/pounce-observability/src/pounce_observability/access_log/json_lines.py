"""A line as a JSON object, with the names of OpenTelemetry's semantic conventions where there is one.

A line is ASCII whatever the client sent: everything else is escaped within its string, so a line is always one line,
valid UTF-8 and valid JSON (RFC 8259). Octets that are no UTF-8 are shown as ``\\xff``.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final

from .line_formats import values_of
from .remembered import Remembered
from .request_fields import fields_of
from .timestamps import iso_second

if TYPE_CHECKING:
    from pounce_asgi import ResponseCompleted

__all__ = ["JsonLines"]

_VALUES: Final = values_of(
    "wall",
    "worker_id",
    "connection_id",
    "request_id",
    "client",
    "method",
    "raw_path",
    "query_string",
    "http_version",
    "request_headers",
    "status",
    "body_bytes_sent",
    "duration",
    "aborted",
)


class JsonLines:
    """The format ``json``. An object belongs to one worker."""

    __slots__ = ("_agents", "_clients", "_referers", "_requests", "_stamp")

    def __init__(self) -> None:
        self._requests = Remembered(_request)
        self._clients = Remembered(_client)
        self._agents = Remembered(_agent)
        self._referers = Remembered(_referer)
        self._stamp = (-1, "")

    def line(self, record: ResponseCompleted) -> str:
        """The line of a request, without its end."""
        wall, worker, connection, request_id, client, method, path, query, version, *rest = _VALUES(record)
        fields, status, sent, duration, aborted = rest
        second = int(wall)
        stamp = self._stamp
        if stamp[0] != second:
            stamp = self._stamp = (second, f'{{"time":"{iso_second(second)}.')
        referer, agent = fields_of(fields, b"referer", b"user-agent")
        more = self._clients.of(client)
        if agent is not None:
            more += self._agents.of(agent)
        if referer is not None:
            more += self._referers.of(referer)
        if request_id is not None:
            more += f',"request_id":{_string(request_id)}'
        if aborted:
            more += ',"aborted":true'
        return (
            f'{stamp[1]}{int((wall - second) * 1000):03d}Z"{self._requests.of((method, path, query, version))},'
            f'"http.response.status_code":{status},"http.response.body.size":{sent},'
            f'"http.server.request.duration":{duration:.6f},"worker":{worker},"connection":{connection}{more}}}'
        )


def _string(text: str) -> str:
    # DEL is no control character to JSON, but it is one to a terminal.
    return encode_basestring_ascii(text).replace("\x7f", "\\u007f")


def _octets(octets: bytes) -> str:
    return _string(octets.decode("utf-8", "backslashreplace"))


def _request(key: tuple[str, bytes, bytes, str]) -> str:
    method, path, query, version = key
    shown = f',"url.query":{_octets(query)}' if query else ""
    return (
        f',"http.request.method":{_string(method)},"url.path":{_octets(path)}{shown},"network.protocol.name":"http",'
        f'"network.protocol.version":{_string(version)}'
    )


def _client(client: tuple[str, int] | None) -> str:
    return f',"client.address":{_string(client[0])},"client.port":{client[1]}' if client is not None else ""


def _agent(value: bytes) -> str:
    return f',"user_agent.original":{_octets(value)}'


def _referer(value: bytes) -> str:
    # The conventions make fields lists, because they may be repeated.
    return f',"http.request.header.referer":[{_octets(value)}]'
