from __future__ import annotations

from typing import Any

import pytest
from compression_doubles import http_scope

from pounce_compression import codecs
from pounce_compression.policy import CompressionPolicy, dictionary_is_safe, request_field, request_path
from pounce_compression.response_head import ResponseHead

PLAIN = {"content-type": "text/plain"}


def head(status: int = 200, **fields: str) -> ResponseHead:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return ResponseHead({"status": status, "headers": lines})


NEVER = [
    (head(101), "no response yet, but an upgrade"),
    (head(204), "no content"),
    (head(205), "no content"),
    (head(206), "a range"),
    (head(304), "no content"),
    (head(content_range="bytes 0-1/2"), "a range, whatever the status"),
    (head(content_encoding="br"), "coded"),
    (head(content_encoding="identity"), "the application opts out"),
    (head(cache_control="public, no-transform"), "forbidden"),
    (head(content_digest="sha-256=:x:"), "of these bytes"),
    (head(repr_digest="sha-256=:x:"), "of these bytes"),
    (head(digest="sha-256=x"), "of these bytes"),
    (head(content_md5="x"), "of these bytes"),
]


@pytest.mark.parametrize(("response", "why"), NEVER)
def test_never(response: ResponseHead, why: str) -> None:
    assert not CompressionPolicy().allows(response), why


@pytest.mark.parametrize("status", [200, 201, 203, 301, 400, 404, 500, 503])
def test_otherwise_it_may(status: int) -> None:
    assert CompressionPolicy().allows(head(status, content_type="text/html", accept_ranges="bytes"))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, False),
        ({"content_type": "text/plain"}, True),
        ({"content_type": "text/plain", "content_length": "511"}, False),
        ({"content_type": "text/plain", "content_length": "512"}, True),
        ({"content_type": "image/png", "content_length": "512"}, False),
    ],
)
def test_what_is_worth_it(fields: Any, wanted: bool) -> None:
    assert CompressionPolicy().is_worth(head(**fields)) is wanted


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("/login", True), ("/login/", True), ("/login/x", True), ("/loginx", False), ("/", False), ("/api/key/1", True)],
)
def test_excluded_paths(path: str, wanted: bool) -> None:
    assert CompressionPolicy(exclude=("/login", "/api/key/")).excludes(path) is wanted
    assert CompressionPolicy(exclude=("/",)).excludes(path)


def test_choices_are_remembered_in_bounds() -> None:
    policy = CompressionPolicy(codings=("gzip",))
    assert policy.choose(b"gzip") is policy.choose(b"gzip")
    for number in range(1000):
        assert policy.choose(b"gzip, x%d" % number).codec is not None
    assert len(policy._remembered.choices) <= 256


@pytest.mark.parametrize(
    ("accept", "coding", "acceptable", "forced"),
    [
        (None, None, True, False),
        (b"gzip", "gzip", True, False),
        (b"br", None, True, False),
        (b"gzip, identity;q=0", "gzip", True, True),
        (b"br, identity;q=0", None, False, True),
        (b"*;q=0", None, False, True),
    ],
)
def test_choices(accept: bytes | None, coding: str | None, acceptable: bool, forced: bool) -> None:
    choice = CompressionPolicy(codings=("gzip",)).choose(accept)
    assert (choice.codec and choice.codec.coding, choice.acceptable, choice.forced) == (coding, acceptable, forced)


def test_codings_that_nobody_knows_are_named() -> None:
    with pytest.raises(LookupError, match="'lzma' is not one of"):
        CompressionPolicy(codings=("gzip", "lzma"))


def test_codings_of_which_none_is_installed_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "brotli_module", lambda: None)
    with pytest.raises(LookupError, match=r"none of br is installed: pip install 'pounce-compression\[br\]'"):
        CompressionPolicy(codings=("br",))
    assert list(CompressionPolicy(codings=("br", "gzip")).codecs) == ["gzip"]
    assert not CompressionPolicy(codings=()).codecs


# RFC 9842, 9.3.2, line by line.
SAFE: list[tuple[dict[str, str], dict[str, str], bool]] = [
    ({}, {}, True),
    ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors"}, {}, True),
    ({"sec-fetch-site": "cross-site"}, {}, True),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, {}, True),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "same-origin"}, {}, True),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, {}, False),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "origin": "https://a"}, {}, False),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, {"access_control_allow_origin": "*"}, False),
    *(
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "https://a"}, allowed, wanted)
        for allowed, wanted in (
            ({"access_control_allow_origin": "*"}, True),
            ({"access_control_allow_origin": "https://a"}, True),
            ({"access_control_allow_origin": "https://b"}, False),
        )
    ),
]


@pytest.mark.parametrize(("request_fields", "response_fields", "wanted"), SAFE)
def test_dictionaries_across_origins(request_fields: Any, response_fields: Any, wanted: bool) -> None:
    assert dictionary_is_safe(http_scope(fields=request_fields), head(**response_fields)) is wanted


def test_lines_of_a_request_field_count_together() -> None:
    scope = {"headers": [(b"accept-encoding", b"gzip"), (b"x", b"y"), (b"accept-encoding", b"br;q=0")]}
    assert request_field(scope, b"accept-encoding") == b"gzip, br;q=0"
    assert request_field(scope, b"origin") is None


def test_the_path_as_it_was_asked_for() -> None:
    assert request_path({"path": "/é", "raw_path": b"/%C3%A9"}) == b"/%C3%A9"
    assert request_path({"path": "/é", "raw_path": b"/%C3%A9?query"}) == b"/%C3%A9"
    assert request_path({"path": "/a"}) == b"/a"
