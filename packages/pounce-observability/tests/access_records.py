"""Records of requests that are over, for tests of what is made of them."""

from __future__ import annotations

from typing import Any, Final

from pounce_asgi import ResponseCompleted

__all__ = ["FIRST", "NASTY", "completed"]

FIRST: Final = ResponseCompleted(
    monotonic=10.0,
    wall=1_795_266_573.9,
    worker_id=3,
    connection_id=7,
    request_id=None,
    client=("127.0.0.1", 5000),
    method="GET",
    raw_path=b"/items",
    query_string=b"q=1",
    http_version="1.1",
    request_headers=(),
    status=200,
    body_bytes_sent=1234,
    started=9.0,
    duration=0.0008125,
    aborted=False,
)
"""At 21 November 2026, 13:09:33.9 UTC."""

NASTY: Final[dict[str, bytes]] = {
    "a line of its own": b'/a\r\n127.0.0.1 - - [x] "GET /forged HTTP/1.1" 200 1',
    "a bare line feed": b"/a\nforged",
    "the end of the quotes": b'/" 200 0 "',
    "a backslash before the quote": b'/\\" 200 0',
    "a terminal's commands": b"/\x1b[2J\x1b]0;title\x07",
    "control characters": bytes(range(32)) + b"\x7f",
    "those of the second half": bytes(range(0x80, 0xA0)),
    "broken UTF-8": b"/\xff\xfe\xc0\xaf\xed\xa0\x80",
    "separators of lines in Unicode": "/\u2028\u2029\x85\x0b\x0c".encode(),
    "letters that turn around": "/\u202egpj.exe".encode(),
    "percent signs": b"/%0d%0aforged%(h)s%n%s",
    "braces": b"/{client}{0}",
    "much": b"/" + b'\n"\\' * 1000,
}
"""What clients send to forge lines of a log."""


def completed(**changes: Any) -> ResponseCompleted:
    """The first record, with changes."""
    return FIRST._replace(**changes)
