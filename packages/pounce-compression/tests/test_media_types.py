from __future__ import annotations

import pytest

from pounce_compression import COMPRESSIBLE_TYPES, MediaTypes

SHRINK = [
    b"text/html; charset=utf-8",
    b"TEXT/HTML;charset=utf-8",
    b" application/json ",
    b"application/problem+json",
    b"image/svg+xml",
    b"application/atom+xml;type=feed",
    b"text/event-stream",
    b"application/wasm",
    b"application/x-ndjson",
    b"font/ttf",
    b"application/geo+json-seq+json",
]
DO_NOT = [
    b"",
    b"image/png",
    b"video/mp4",
    b"font/woff2",
    b"application/octet-stream",
    b"application/zip",
    b"application/grpc",
    b"multipart/byteranges; boundary=x",
    b"text",
    b"text/",
    b"textual/html",
    b"application/json+zip",
    b"+json",
    b"application/json, text/html",
]


@pytest.mark.parametrize("content_type", SHRINK)
def test_types_that_shrink(content_type: bytes) -> None:
    assert content_type in MediaTypes(COMPRESSIBLE_TYPES)


@pytest.mark.parametrize("content_type", DO_NOT)
def test_types_that_do_not(content_type: bytes) -> None:
    assert content_type not in MediaTypes(COMPRESSIBLE_TYPES)


@pytest.mark.parametrize(
    "pattern", ["", "text", "*/*", "*", "text/*html", "text/html; charset=utf-8", "+json", "a/b/c"]
)
def test_what_is_no_type_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="neither type/subtype"):
        MediaTypes([pattern])
