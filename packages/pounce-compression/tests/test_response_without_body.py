"""Answers to HEAD, 304 and 206: their fields are those of a response that is not sent here."""

from __future__ import annotations

from typing import Any

import pytest
from compression_doubles import answering, ask, http_scope, text

from pounce_compression import CompressionMiddleware, DictionaryStore

LONG = text(5000)
PLAIN = ("content-type", "text/plain")


def length(number: int) -> tuple[str, str]:
    return ("content-length", str(number))


HEADS = [
    ([PLAIN, length(5000)], {"content-encoding": "gzip", "vary": "Accept-Encoding", "content-type": "text/plain"}),
    ([PLAIN], {"vary": "Accept-Encoding", "content-type": "text/plain"}),  # the length decides, and is not known
    ([PLAIN, length(5)], {"content-type": "text/plain", "content-length": "5"}),
]


@pytest.mark.parametrize(("fields", "wanted"), HEADS)
def test_head_has_the_fields_of_get_as_far_as_they_are_known(fields: Any, wanted: dict[str, str]) -> None:
    answer = ask(CompressionMiddleware(answering(b"", fields=fields)), http_scope(method="HEAD"))
    assert answer.fields == wanted
    assert answer.body == b""


OF_UNKNOWN_LENGTH = [
    answering(b"", fields=[PLAIN]),
    answering(LONG, fields=[PLAIN]),
    answering(LONG, b"x", fields=[PLAIN]),
    answering(b"", fields=[PLAIN, length(5000)]),
    answering({"type": "http.response.pathsend", "path": "/none"}, fields=[PLAIN]),
]


@pytest.mark.parametrize("application", OF_UNKNOWN_LENGTH)
def test_head_leaves_no_length_to_count(application: Any) -> None:
    """RFC 9110, 8.6: not another Content-Length than GET has; a server counts what is the whole body."""
    answer = ask(CompressionMiddleware(application), http_scope(method="HEAD"))
    assert "content-length" not in answer.fields
    assert {message["type"] for message in answer.messages[1:]} == {"http.response.body"}
    assert answer.body == b""
    assert [message.get("more_body", False) for message in answer.messages[1:]][-2:] == [True, False]


def test_head_of_what_is_sent_as_it_is_has_its_length() -> None:
    application = answering(LONG, fields=[PLAIN])
    for scope in (http_scope(None, method="HEAD"), http_scope("compress", method="HEAD")):
        assert ask(CompressionMiddleware(application), scope).bodies == [LONG]


def test_head_of_a_file_that_would_not_be_read() -> None:
    scope = http_scope(method="HEAD", extensions={"http.response.pathsend": {}})
    fields = [PLAIN, length(5000)]
    assert ask(CompressionMiddleware(answering(b"", fields=fields), file_size=4999), scope).coding == "identity"
    assert ask(CompressionMiddleware(answering(b"", fields=fields), file_size=5000), scope).coding == "gzip"


def test_a_304_names_the_validator_that_the_client_has() -> None:
    not_modified = CompressionMiddleware(answering(b"", status=304, fields=[("etag", '"x"')]))
    answer = ask(not_modified, http_scope(fields={"if-none-match": 'W/"y", W/"x"'}))
    assert answer.fields == {"etag": 'W/"x"', "vary": "Accept-Encoding"}
    strong = {"etag": '"x"', "vary": "Accept-Encoding"}
    assert ask(not_modified, http_scope(fields={"if-none-match": '"x"'})).fields == strong
    assert ask(not_modified).fields == strong


@pytest.mark.parametrize("status", [206, 304])
@pytest.mark.parametrize(
    ("fields", "path", "vary"),
    [
        ([PLAIN], "/", "Accept-Encoding"),
        ([PLAIN, ("vary", "Origin")], "/", "Origin, Accept-Encoding"),
        ([PLAIN, ("vary", "*")], "/", "*"),
        ([("content-type", "multipart/byteranges; boundary=x")], "/", "Accept-Encoding"),
        ([("content-type", "image/png")], "/", None),
        ([PLAIN, ("content-encoding", "br")], "/", None),
        ([PLAIN, ("cache-control", "no-transform")], "/", None),
        ([PLAIN], "/secret", None),
        ([PLAIN], "/app.js", "Accept-Encoding, Available-Dictionary"),
    ],
)
def test_a_part_and_a_304_vary_as_the_whole(status: int, fields: Any, path: str, vary: str | None) -> None:
    """RFC 9110, 15.3.7 and 15.4.5, whatever the client accepts."""
    dictionaries = DictionaryStore(["/app.js"]) if path == "/app.js" else None
    application = answering(b"", status=status, fields=fields)
    middleware = CompressionMiddleware(application, exclude=["/secret"], dictionaries=dictionaries)
    for accept in ("gzip", None):
        assert ask(middleware, http_scope(accept, path=path)).fields.get("vary") == vary


@pytest.mark.parametrize(
    ("path", "root_path", "coding"),
    [
        ("/api/secret/x", "/api", "identity"),
        ("/api/secret", "/api/", "identity"),
        ("/secret", "/api", "identity"),  # a server that leaves the root path out
        ("/api/other", "/api", "gzip"),
        ("/apisecret", "/api", "gzip"),
        ("/api/secret", "", "gzip"),
    ],
)
def test_excluded_paths_are_below_the_root_path(path: str, root_path: str, coding: str) -> None:
    middleware = CompressionMiddleware(answering(LONG), exclude=["/secret"])
    assert ask(middleware, http_scope(path=path, root_path=root_path)).coding == coding
