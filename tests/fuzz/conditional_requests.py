"""Range and the conditional fields, by themselves and through the middleware that serves files.

- Nothing is raised but `Unsatisfiable`.
- Pieces lie within the file, do not overlap, are few, and are no more than the file.
- Pieces written as a field are read as the same.
- An answer has one of the statuses of RFC 9110, and as many bytes as it says.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from pounce_middleware.static import StaticFiles
from pounce_middleware.static.http_date import format_date, parse_date
from pounce_middleware.static.preconditions import Conditions, Outcome, evaluate, range_applies
from pounce_middleware.static.ranges import MOST_RANGES, Piece, Unsatisfiable, parse_range
from tests.fuzz.target import Target, chance_of, cut

__all__ = ["CONDITIONAL_REQUESTS"]

ETAG = '"abc-12"'
MODIFIED = 784111777
CONTENT = bytes(range(256)) * 4
FIELDS = (b"range", b"range", b"if-range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")


def _pieces(value: str, size: int) -> list[Piece] | None:
    try:
        pieces = parse_range(value, size)
    except Unsatisfiable as error:
        assert len(str(error)) < 300  # noqa: PT017 - a target, not a test
        return None
    if pieces is None:
        return None
    assert 1 <= len(pieces) <= MOST_RANGES
    assert all(0 <= piece.start < piece.end <= size for piece in pieces)
    ordered = sorted(pieces)
    assert all(one.end < two.start for one, two in itertools.pairwise(ordered)), "they overlap or touch"
    return pieces


def _check_values(text: str) -> None:
    for size in (0, 1, 10, 2**40):
        pieces = _pieces(text, size)
        if pieces:
            written = "bytes=" + ",".join(f"{piece.start}-{piece.end - 1}" for piece in pieces)
            assert parse_range(written, size) == pieces
    for conditions in (
        Conditions(if_match=text),
        Conditions(if_none_match=text, if_modified_since=text),
        Conditions(if_unmodified_since=text),
        Conditions(if_modified_since=text),
    ):
        assert evaluate(conditions, etag=ETAG, modified=MODIFIED) in Outcome
    range_applies(text, etag=ETAG, modified=MODIFIED, now=2e9)
    listed = Conditions(if_none_match=f'"x", W/{ETAG}')
    assert evaluate(listed, etag=ETAG, modified=MODIFIED) is Outcome.NOT_MODIFIED
    date = parse_date(text)
    if date is not None and 0 <= date < 2**35:
        assert parse_date(format_date(date).decode()) == date


@functools.cache
def _served() -> tuple[asyncio.AbstractEventLoop, Any]:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder)
    (folder / "a.txt").write_bytes(CONTENT)
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop, StaticFiles(directory=folder)


async def _get(app: Any, headers: list[tuple[bytes, bytes]], method: str) -> tuple[int, dict[bytes, bytes], bytes]:
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": "/a.txt",
        "raw_path": b"/a.txt",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "extensions": {},
    }
    await app(scope, receive, send)
    head, *rest = messages
    return head["status"], dict(head["headers"]), b"".join(message["body"] for message in rest)


def _check_served(data: bytes) -> None:
    loop, app = _served()
    chance = chance_of(data)
    headers = [(chance.choice(FIELDS), piece.strip(b" \t")) for piece in cut(data, chance, 2)]
    status, fields, body = loop.run_until_complete(_get(app, headers, "GET"))
    assert status in (200, 206, 304, 412, 416), status
    if status in (200, 206):
        assert int(fields[b"content-length"]) == len(body)
    if status == 200:
        assert body == CONTENT
    if status == 206 and b"content-range" in fields:
        start, _, end = fields[b"content-range"].removeprefix(b"bytes ").partition(b"/")[0].partition(b"-")
        assert body == CONTENT[int(start) : int(end) + 1]
    if status == 304:
        assert body == b""
    assert loop.run_until_complete(_get(app, headers, "HEAD"))[2] == b""


def _check(data: bytes) -> None:
    _check_values(data.decode("latin-1"))
    _check_served(data)


CONDITIONAL_REQUESTS = Target(
    name="conditional",
    promises="our errors only; pieces within the file; as many bytes as are said",
    check=_check,
    seeds=(
        b"bytes=0-4",
        b"bytes=-5",
        b"bytes=5-",
        b"bytes=0-0,2-3,9-",
        b"bytes=0-4,3-9",
        b"bytes=1000-2000",
        b"BYTES = 0-1 , ,2-3",
        b"items=0-1",
        b'W/"abc", "abc-12"',
        b"*",
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b'"abc-12"',
    ),
    dictionary=(
        b"bytes=",
        b"0-",
        b"-1",
        b",",
        b"W/",
        b'"abc-12"',
        b"GMT",
        b"Nov",
        b"Sun, ",
        b"*",
        b"999999999999999999",
    ),
    modules=("pounce_middleware.static",),
    rounds=500,
    shapes=(
        lambda size: b"bytes=" + b"0-0," * (size // 4),
        lambda size: b"bytes=" + b"9" * size + b"-",
        lambda size: b'"a",' * (size // 4),
        lambda size: b'"' + b"a" * size,
        lambda size: b"," * size + b"!",
        lambda size: b" " * size + b"x",
        lambda size: b"Sun, " + b"0" * size,
    ),
)
