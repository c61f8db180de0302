"""Formats with a name: ``text``, and the two of the Apache server that every tool for logs reads.

    text      127.0.0.1 - - [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms
    common    127.0.0.1 - alice [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234
    combined  127.0.0.1 - alice [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234 "https://a/" "curl/8"

Hot: a line is made in the thread of its request, so parts that repeat are remembered. An object belongs to one worker.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import ResponseCompleted

from .escaping import safe, safe_bytes
from .remembered import Remembered
from .request_fields import basic_user, fields_of
from .timestamps import clf_time

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CombinedLines", "CommonLines", "TextLines", "client_text", "request_line", "values_of"]


def values_of(*names: str) -> Callable[[ResponseCompleted], tuple[Any, ...]]:
    """What gets these fields out of a record: several times as fast as one attribute after another."""
    return itemgetter(*(ResponseCompleted._fields.index(name) for name in names))


def request_line(key: tuple[str, bytes, bytes, str]) -> str:
    """``GET /items?q=1 HTTP/1.1`` of method, path, query and version."""
    method, path, query, version = key
    target = path + b"?" + query if query else path
    return f"{safe(method)} {safe_bytes(target)} HTTP/{safe(version)}"


def client_text(client: tuple[str, int] | None) -> str:
    """The address; a dash over a UNIX socket."""
    return safe(client[0]) if client is not None else "-"


class _Lines:
    """What these formats have in common."""

    __slots__ = ("_clients", "_requests", "_stamp")

    def __init__(self) -> None:
        self._requests = Remembered(request_line)
        self._clients = Remembered(client_text)
        self._stamp = (-1, "")

    def _time(self, second: int) -> str:
        stamp = self._stamp
        if stamp[0] != second:
            # In one piece: threads that share the object never see the text of another second.
            stamp = self._stamp = (second, clf_time(second))
        return stamp[1]


_TEXT: Final = values_of(
    "wall",
    "client",
    "method",
    "raw_path",
    "query_string",
    "http_version",
    "status",
    "body_bytes_sent",
    "duration",
    "aborted",
)


class TextLines(_Lines):
    """The format of its own: Common Log Format with the duration, and ``aborted`` when the response was cut off."""

    __slots__ = ()

    def line(self, record: ResponseCompleted) -> str:
        """The line of a request, without its end."""
        wall, client, method, path, query, version, status, sent, duration, aborted = _TEXT(record)
        second = int(wall)
        stamp = self._stamp
        if stamp[0] != second:
            stamp = self._stamp = (second, clf_time(second))
        request = self._requests.of((method, path, query, version))
        return (
            f'{self._clients.of(client)} - - [{stamp[1]}] "{request}" {status} '
            f"{sent} {duration * 1000:.3f}{'ms aborted' if aborted else 'ms'}"
        )


_COMMON: Final = values_of(
    "wall",
    "client",
    "method",
    "raw_path",
    "query_string",
    "http_version",
    "status",
    "body_bytes_sent",
    "request_headers",
)


class CommonLines(_Lines):
    """Common Log Format."""

    __slots__ = ()

    def line(self, record: ResponseCompleted) -> str:
        """The line of a request, without its end."""
        wall, client, method, path, query, version, status, sent, fields = _COMMON(record)
        user = basic_user(fields)
        return (
            f"{self._clients.of(client)} - {user} [{self._time(int(wall))}] "
            f'"{self._requests.of((method, path, query, version))}" {status} {sent or "-"}'
        )


class CombinedLines(CommonLines):
    """Common Log Format with the fields Referer and User-Agent."""

    __slots__ = ("_agents",)

    def __init__(self) -> None:
        super().__init__()
        self._agents = Remembered(safe_bytes)

    def line(self, record: ResponseCompleted) -> str:
        """The line of a request, without its end."""
        referer, agent = fields_of(record.request_headers, b"referer", b"user-agent")
        shown = self._agents.of
        return f'{super().line(record)} "{shown(referer) if referer else "-"}" "{shown(agent) if agent else "-"}"'
