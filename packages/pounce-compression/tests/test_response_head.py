from __future__ import annotations

from typing import Any

import pytest

from pounce_compression.response_head import ResponseHead


def head(*fields: tuple[bytes, bytes], status: Any = 200, **more: Any) -> ResponseHead:
    return ResponseHead({"type": "http.response.start", "status": status, "headers": fields, **more})


VARY = [
    ((), b"Accept-Encoding"),
    ((b"Origin",), b"Origin, Accept-Encoding"),
    ((b"Origin", b"Cookie"), b"Origin, Cookie, Accept-Encoding"),
    ((b"accept-ENCODING",), b"accept-ENCODING"),
    ((b"Origin, Accept-Encoding",), b"Origin, Accept-Encoding"),
    ((b"*",), b"*"),
    ((b"Origin", b"*"), b"Origin, *"),
    ((b"",), b"Accept-Encoding"),
    ((b"Origin,",), b"Origin, Accept-Encoding"),
    ((b"X-Accept-Encoding",), b"X-Accept-Encoding, Accept-Encoding"),
]


@pytest.mark.parametrize(("lines", "wanted"), VARY)
def test_vary_is_merged(lines: tuple[bytes, ...], wanted: bytes) -> None:
    one = head(*((b"Vary", line) for line in lines))
    one.vary_on(b"Accept-Encoding")
    assert b", ".join(value for name, value in one.fields if name == b"vary") == wanted


def test_vary_takes_several_names_in_steps() -> None:
    one = head()
    one.vary_on(b"Accept-Encoding", b"Available-Dictionary")
    one.vary_on(b"Available-Dictionary", b"Origin")
    assert one.fields == [(b"vary", b"Accept-Encoding, Available-Dictionary, Origin")]


@pytest.mark.parametrize(("etag", "wanted"), [(b'"x"', b'W/"x"'), (b'W/"x"', b'W/"x"'), (b"odd", b"odd")])
def test_etags_become_weak(etag: bytes, wanted: bytes) -> None:
    one = head((b"ETag", etag))
    one.weaken_etag()
    assert one.fields == [(b"etag", wanted)]


def test_what_a_coding_changes() -> None:
    given = [(b"Content-Length", b"9"), (b"Accept-Ranges", b"bytes"), (b"X-Own", b"1"), (b"etag", b'"x"')]
    one = head(*given)
    one.encode("gzip", 5)
    assert sorted(one.fields) == [
        (b"content-encoding", b"gzip"),
        (b"content-length", b"5"),
        (b"etag", b'W/"x"'),
        (b"x-own", b"1"),
    ]
    assert one.message["headers"] == tuple(given), "the application's own message stays as it was"


@pytest.mark.parametrize(
    ("fields", "more"), [([(b"Transfer-Encoding", b"chunked")], {}), ([(b"trailer", b"x")], {"trailers": True})]
)
def test_no_length_where_chunks_are_needed(fields: list[tuple[bytes, bytes]], more: dict[str, Any]) -> None:
    one = head(*fields, **more)
    one.encode("gzip", 5)
    assert b"content-length" not in dict(one.fields)
    assert one.to_message()["headers"] is one.fields


LENGTHS = [(b"12", 12), (b"0", 0), (b"", None), (b"-1", None), (b"1_0", None), (b"9" * 30, None), (b"\xb2", None)]


@pytest.mark.parametrize(("value", "wanted"), LENGTHS)
def test_declared_lengths(value: bytes, wanted: int | None) -> None:
    assert head((b"content-length", value)).content_length == wanted
    assert head().content_length is None


def test_lines_of_one_field_count_together() -> None:
    one = head((b"cache-control", b"max-age=1"), (b"Cache-Control", b"No-Transform"), (b"x", b"1"))
    assert one.no_transform
    assert one.is_shared
    assert one.value(b"cache-control") == b"max-age=1, No-Transform"


@pytest.mark.parametrize(
    "field", [(b"cache-control", b"private"), (b"cache-control", b"no-store"), (b"set-cookie", b"a=b")]
)
def test_what_is_for_one_client_only(field: tuple[bytes, bytes]) -> None:
    assert not head(field).is_shared


@pytest.mark.parametrize(
    "message", [{}, {"status": "200"}, {"status": 200, "headers": 5}, {"status": 200, "headers": [5]}]
)
def test_what_is_no_head_is_not_read(message: dict[str, Any]) -> None:
    with pytest.raises((TypeError, KeyError, ValueError)):
        ResponseHead(message)
