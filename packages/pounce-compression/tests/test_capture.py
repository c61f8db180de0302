"""Responses that become dictionaries, and those that are compressed against them (RFC 9842)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from body_decoders import decode
from compression_doubles import Answer, answering, ask, http_scope, text

from pounce_compression import CompressionMiddleware, DictionaryStore

if TYPE_CHECKING:
    from pathlib import Path

FIRST = text(40_000)
SECOND = FIRST.replace(b"word-77", b"changed") + b"the end"
SCRIPT = ("content-type", "text/javascript")
WITH_DICTIONARIES = "gzip, zstd, dcz, dcb"


def available(content: bytes) -> dict[str, str]:
    return {"available-dictionary": f":{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"}


def get(store: DictionaryStore, application: Any, path: str = "/app.1.js", **request: Any) -> Answer:
    request.setdefault("accept", WITH_DICTIONARIES)
    return ask(CompressionMiddleware(application, dictionaries=store), http_scope(path=path, **request))


def script(*pieces: Any, **fields: str) -> Any:
    lines = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return answering(*pieces, fields=[SCRIPT, *lines])


def test_the_way_of_a_dictionary() -> None:
    store = DictionaryStore(["/app.*.js"])
    first = get(store, script(FIRST))
    assert (first.coding, first.content()) == ("zstd", FIRST)
    assert first.fields["use-as-dictionary"] == 'match="/app.*.js"'
    assert first.fields["vary"] == "Accept-Encoding, Available-Dictionary"
    second = get(store, script(SECOND, etag='"2"'), "/app.2.js", fields=available(FIRST))
    assert second.coding == "dcz"
    assert second.body[:40] == b"\x5e\x2a\x4d\x18\x20\0\0\0" + hashlib.sha256(FIRST).digest()
    assert decode("zstd", second.body[40:], FIRST) == SECOND
    assert len(second.body) < len(first.body) / 3
    assert second.fields["vary"] == "Accept-Encoding, Available-Dictionary"
    assert second.fields["etag"] == 'W/"2"'
    third = get(store, script(FIRST), "/app.3.js", fields=available(SECOND))
    assert third.coding == "dcz", "the second is a dictionary too"


@pytest.mark.parametrize("pieces", [[SECOND[:9], SECOND[9:]], [SECOND, b""], [b"", SECOND]])
def test_pieces_against_a_dictionary(pieces: list[bytes]) -> None:
    store = DictionaryStore()
    store.add(FIRST, "/app.*.js")
    answer = get(store, script(*pieces), fields=available(FIRST))
    assert answer.coding == "dcz"
    assert decode("zstd", answer.body[40:], FIRST) == SECOND


NOT_USED: list[tuple[str, dict[str, Any]]] = [
    ("the client does not know dcz", {"accept": "gzip, zstd, br", "fields": available(FIRST)}),
    ("a star does not mean dcz", {"accept": "*", "fields": available(FIRST)}),
    ("dcz is refused", {"accept": "dcz;q=0, zstd", "fields": available(FIRST)}),
    ("something else is wanted more", {"accept": "dcz;q=0.5, zstd", "fields": available(FIRST)}),
    ("the client has none", {}),
    ("the client has another one", {"fields": available(b"other")}),
    ("the field is nonsense", {"fields": {"available-dictionary": ":x:"}}),
    ("it is for other paths", {"path": "/other.js", "fields": available(FIRST)}),
    (
        "a page of another site may not read it",
        {"fields": {**available(FIRST), "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}},
    ),
]


@pytest.mark.parametrize("request_", [case[1] for case in NOT_USED], ids=[case[0] for case in NOT_USED])
def test_not_used(request_: dict[str, Any]) -> None:
    store = DictionaryStore()
    store.add(FIRST, "/app.*.js")
    answer = get(store, script(SECOND), **request_)
    assert answer.coding == "zstd"
    assert answer.content() == SECOND


NOT_KEPT: list[tuple[str, Any, dict[str, Any]]] = [
    ("for one client only", script(FIRST, cache_control="private, max-age=9"), {}),
    ("not to be stored", script(FIRST, cache_control="no-store"), {}),
    ("with a cookie", script(FIRST, set_cookie="a=b"), {}),
    ("another status", answering(FIRST, status=404, fields=[SCRIPT]), {}),
    ("not a GET", script(FIRST), {"method": "POST"}),
    ("for someone who logged in", script(FIRST), {"fields": {"authorization": "Basic x"}}),
    ("another path", script(FIRST), {"path": "/other.js"}),
    ("too large", script(FIRST * 3, content_length=str(len(FIRST) * 3)), {}),
    ("of unknown length", script(FIRST, b""), {}),
    ("too small", script(text(1023)), {}),
    ("too small, and said so", script(text(1023), content_length="1023"), {}),
    ("one of as many as the client makes up queries", script(FIRST), {"query_string": b"1"}),
]


@pytest.mark.parametrize(("application", "request_"), [c[1:] for c in NOT_KEPT], ids=[c[0] for c in NOT_KEPT])
def test_not_kept(application: Any, request_: dict[str, Any]) -> None:
    store = DictionaryStore(["/app.*.js"], largest=100_000)
    assert "use-as-dictionary" not in get(store, application, **request_).fields
    assert get(store, script(SECOND), fields=available(FIRST)).coding == "zstd"


@pytest.mark.parametrize("accept", [WITH_DICTIONARIES, "identity"])
def test_pieces_of_known_length_are_kept(accept: str) -> None:
    store = DictionaryStore(["/app.*.js"])
    first = get(store, script(FIRST[:99], FIRST[99:], content_length=str(len(FIRST))), accept=accept)
    assert first.content() == FIRST
    assert "use-as-dictionary" in first.fields
    assert get(store, script(SECOND), fields=available(FIRST)).coding == "dcz"


def test_a_query_is_no_reason_if_the_application_itself_wants_it_kept() -> None:
    store = DictionaryStore()
    wanted = script(FIRST, use_as_dictionary='match="/app.*.js"')
    get(store, wanted, query_string=b"v=1")
    assert get(store, script(SECOND), query_string=b"v=2", fields=available(FIRST)).coding == "dcz"


def test_a_body_of_another_length_than_it_said_is_not_kept() -> None:
    store = DictionaryStore(["/app.*.js"])
    get(store, script(FIRST[:99], FIRST[99:], content_length=str(len(FIRST) + 1)))
    assert get(store, script(SECOND), fields=available(FIRST)).coding == "zstd"


def test_files_by_their_path_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "app.js"
    file.write_bytes(FIRST)
    store = DictionaryStore(["/app.*.js"])
    get(store, script({"type": "http.response.pathsend", "path": str(file)}))
    assert get(store, script(SECOND), fields=available(FIRST)).coding == "dcz"


OWN = [
    ('match="/app.*.js"', True),
    ('id="a", match="/app.*.js", match-dest=("script")', True),
    ('match="/app.*.js", type=raw', True),
    ('match="/app\\\\.*.js"', True),
    ('match="/app.*.js", type=other', False),
    ('match="/app.(1|2).js"', False),
    ('match="app.*.js"', False),
    ("match=/app", False),
    ('id="x"', False),
]


@pytest.mark.parametrize(("field", "kept"), OWN)
def test_the_applications_own_field(field: str, kept: bool) -> None:
    store = DictionaryStore()
    assert get(store, script(FIRST, use_as_dictionary=field)).fields["use-as-dictionary"] == field
    assert (get(store, script(SECOND), fields=available(FIRST)).coding == "dcz") is kept


def test_backslashes_of_a_pattern_are_escaped_in_the_field() -> None:
    """RFC 9651, 4.1.6."""
    store = DictionaryStore(["/a\\*.js"])
    assert get(store, script(FIRST), "/a*.js").fields["use-as-dictionary"] == 'match="/a\\\\*.js"'


def test_head_of_what_would_be_coded() -> None:
    store = DictionaryStore()
    store.add(FIRST, "/app.*.js")
    application = script(b"", content_length=str(len(SECOND)))
    assert get(store, application, method="HEAD", fields=available(FIRST)).coding == "dcz"
