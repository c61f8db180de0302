"""Reads the responses in a string of bytes. Strict: what is not a whole response is a ValueError."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Response(NamedTuple):
    """One response, interim ones included."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    trailers: list[tuple[bytes, bytes]]

    def get(self, name: bytes) -> bytes | None:
        """The value of a field that is there at most once."""
        values = [value for given, value in self.headers if given == name]
        if len(values) > 1:
            raise ValueError(f"{name!r} is there {len(values)} times")
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        return self.get(b"connection") == b"close"


def parse_responses(data: bytes, methods: Iterable[str] = ()) -> list[Response]:
    """All responses; ``methods`` are those of the requests, GET where they run out."""
    method_of = iter(methods)
    responses = []
    while data:
        method = "GET" if data.startswith(b"HTTP/1.1 1") else next(method_of, "GET")
        response, data = parse_one(data, method)
        responses.append(response)
    return responses


def parse_one(data: bytes, method: str = "GET") -> tuple[Response, bytes]:
    """The first response, and what follows it."""
    head, separator, data = data.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError(f"not a whole head: {head!r}")
    line, *lines = head.split(b"\r\n")
    version, code, _ = line.split(b" ", 2)
    if version != b"HTTP/1.1" or len(code) != 3:
        raise ValueError(f"not a status line: {line!r}")
    response = Response(int(code), [_field(one) for one in lines], b"", [])
    if response.status < 200:
        return response, data
    body, trailers, data = _body(response, method, data)
    return response._replace(body=body, trailers=trailers), data


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b": ")
    if not colon or name != name.lower() or value != value.strip():
        raise ValueError(f"not a header line: {line!r}")
    return name, value


def _body(response: Response, method: str, data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    length, coding = response.get(b"content-length"), response.get(b"transfer-encoding")
    if coding is not None and (length is not None or coding != b"chunked" or response.status in (204, 304)):
        raise ValueError(f"framing that contradicts itself: {response}")
    if method == "HEAD" or response.status in (204, 304):
        return b"", [], data
    if coding is not None:
        return _chunked(data)
    if length is not None:
        if len(data) < int(length):
            raise ValueError(f"{len(data)} of {int(length)} bytes")
        return data[: int(length)], [], data[int(length) :]
    if not response.closes:
        raise ValueError("a body without an end")
    return data, [], b""


def _chunked(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    body = b""
    while True:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        if not size:
            break
        body += data[:size]
        if data[size : size + 2] != b"\r\n":
            raise ValueError("a chunk without its end")
        data = data[size + 2 :]
    trailers: list[tuple[bytes, bytes]] = []
    while True:
        line, separator, data = data.partition(b"\r\n")
        if not separator:
            raise ValueError("trailers without an end")
        if not line:
            return body, trailers, data
        trailers.append(_field(line))
