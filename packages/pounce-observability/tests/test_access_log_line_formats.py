"""The formats with a name, and what comes from clients in any format."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from access_records import NASTY, completed

from pounce_observability.access_log.atoms import AtomLines, parsed
from pounce_observability.access_log.json_lines import JsonLines
from pounce_observability.access_log.line_formats import CombinedLines, CommonLines, TextLines

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ResponseCompleted

ALL_ATOMS = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(m)s %(U)s %(q)s %(H)s %(s)s %(b)s "%(f)s" "%(a)s" "%({x-any}i)s"'

FORMATS: dict[str, Callable[[], Callable[[ResponseCompleted], str]]] = {
    "text": lambda: TextLines().line,
    "common": lambda: CommonLines().line,
    "combined": lambda: CombinedLines().line,
    "json": lambda: JsonLines().line,
    "atoms": lambda: AtomLines(parsed(ALL_ATOMS)).line,
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, '127.0.0.1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms'),
        ({"query_string": b""}, '127.0.0.1 - - [{time}] "GET /items HTTP/1.1" 200 1234 0.812ms'),
        ({"client": None}, '- - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms'),
        ({"client": ("::1", 1)}, '::1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms'),
        ({"aborted": True}, '127.0.0.1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms aborted'),
        ({"duration": 61.5}, '127.0.0.1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 61500.000ms'),
        ({"http_version": "2"}, '127.0.0.1 - - [{time}] "GET /items?q=1 HTTP/2" 200 1234 0.812ms'),
        (
            {"raw_path": b'/a"b\\c\r\nforged \x1b[2J\x7f\xff', "query_string": b"\n"},
            (
                '127.0.0.1 - - [{time}] "GET /a\\x22b\\x5cc\\x0d\\x0aforged \\x1b[2J\\x7f\\xff?\\x0a HTTP/1.1" '
                "200 1234 0.812ms"
            ),
        ),
        (
            {"method": "GE\nT", "client": ("a\nb\u2028", 1)},
            'a\\x0ab\\u2028 - - [{time}] "GE\\x0aT /items?q=1 HTTP/1.1" 200 1234 0.812ms',
        ),
    ],
)
def test_text(changes: dict[str, Any], line: str) -> None:
    lines = TextLines()
    for _ in range(2):  # made, then remembered
        assert lines.line(completed(**changes)) == line.replace("{time}", "21/Nov/2026:13:09:33 +0000")


def basic(text: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"authorization", b"Basic " + base64.b64encode(text.encode())),)


@pytest.mark.parametrize(
    ("changes", "user", "size"),
    [
        ({}, "-", "1234"),
        ({"body_bytes_sent": 0}, "-", "-"),
        ({"request_headers": basic("alice:secret")}, "alice", "1234"),
        ({"request_headers": basic('a "b"\n:x')}, "a\\x20\\x22b\\x22\\x0a", "1234"),
        ({"request_headers": basic("no colon")}, "-", "1234"),
        ({"request_headers": basic(":no name")}, "-", "1234"),
        ({"request_headers": ((b"authorization", b"Basic ?"),)}, "-", "1234"),
        ({"request_headers": ((b"authorization", b"Bearer YWxpY2U6c2VjcmV0"),)}, "-", "1234"),
    ],
)
def test_common(changes: dict[str, Any], user: str, size: str) -> None:
    line = CommonLines().line(completed(**changes))
    assert line == f'127.0.0.1 - {user} [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 {size}'


@pytest.mark.parametrize(
    ("headers", "end"),
    [
        ((), '"-" "-"'),
        (((b"referer", b"https://a/"), (b"user-agent", b"curl/8 (x; y)")), '"https://a/" "curl/8 (x; y)"'),
        (((b"user-agent", b'"\\\n'),), '"-" "\\x22\\x5c\\x0a"'),
    ],
)
def test_combined(headers: tuple[tuple[bytes, bytes], ...], end: str) -> None:
    lines = CombinedLines()
    for _ in range(2):
        line = lines.line(completed(request_headers=headers))
        assert line == f'127.0.0.1 - - [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234 {end}'


def test_a_new_second_is_a_new_time() -> None:
    for make in FORMATS.values():
        line = make()
        shown = [line(completed(wall=1_795_266_573.9 + more)) for more in (0, 0.1, 60)]
        assert [":33" in one for one in shown] == [True, False, True]
        assert ["13:10:33" in one for one in shown] == [False, False, True]


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("form", FORMATS)
def test_nothing_that_a_client_sends_forges_a_line(form: str, name: str) -> None:
    octets = NASTY[name]
    text = octets.decode("latin-1")
    changes: list[dict[str, Any]] = [
        {"raw_path": octets},
        {"query_string": octets},
        {"method": text},
        {"client": (text, 1)},
        {"request_id": text},
        {"request_headers": tuple((field, octets) for field in (b"user-agent", b"referer", b"x-any"))},
        {"request_headers": ((b"authorization", b"Basic " + base64.b64encode(octets + b":x")),)},
    ]
    line = FORMATS[form]()
    for change in changes:
        shown = line(completed(**change))
        assert shown.isascii()
        assert shown.isprintable(), change
        if form == "json":
            assert isinstance(json.loads(shown), dict)
        else:
            # Every quote is one of the format's own, so whoever splits the line finds the parts that are there.
            assert shown.count('"') == line(completed()).count('"')
            assert "\\" not in shown.replace("\\x", "").replace("\\u", "")
