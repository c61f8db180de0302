"""What follows from the fields; the case table has it on the wire."""

from __future__ import annotations

import pytest

from pounce_http1 import InvalidHost, InvalidRequestLine, UnsupportedVersion, UpgradeWithContent
from pounce_http1.field_lines import DECISIVE_NAMES, Field
from pounce_http1.head import HeaderFacts, build_head, derive_facts, parse_request_line
from pounce_http1.target import Target

HOST = (b"host", b"h")


def facts(*fields: Field, version: str = "1.1") -> HeaderFacts:
    return derive_facts(version, [field for field in fields if field[0] in DECISIVE_NAMES])


def by_name(facts: HeaderFacts) -> dict[str, object]:
    return {name: getattr(facts, name) for name in HeaderFacts.__slots__}


def test_facts_without_wishes() -> None:
    assert by_name(facts(HOST)) == {
        "accepts_trailers": False,
        "content_length": None,
        "expect_continue": False,
        "expectation_failed": False,
        "has_body": False,
        "http_version": "1.1",
        "keep_alive": True,
        "upgrade": None,
    }


def test_an_authority_replaces_host_and_nothing_else() -> None:
    fields = [
        (b"a", b"b"),
        HOST,
        (b"connection", b"close"),
        (b"expect", b"100-continue"),
        (b"content-length", b"5"),
        (b"te", b"trailers"),
    ]
    head = build_head("POST", b"http://x/y?z", Target(b"/y", b"z", b"x"), fields, facts(*fields))
    assert head.headers[:2] == ((b"host", b"x"), (b"a", b"b"))
    assert len(head.headers) == len(fields)
    for name in (*HeaderFacts.__slots__, "chunked"):
        assert getattr(head, name) == getattr(head.fields, name), name
    assert head.host == b"x"


def test_a_body_is_chunked_or_has_a_length() -> None:
    assert [
        (fields.has_body, fields.content_length, fields.chunked)
        for fields in (
            facts(HOST),
            facts(HOST, (b"content-length", b"0")),
            facts(HOST, (b"content-length", b"5")),
            facts(HOST, (b"transfer-encoding", b"chunked")),
        )
    ] == [(False, None, False), (False, 0, False), (True, 5, False), (True, None, True)]


def test_three_hosts_are_several() -> None:
    with pytest.raises(InvalidHost, match="more than one"):
        facts(HOST, HOST, HOST)


def test_upgrade_with_content() -> None:
    upgrade = ((b"connection", b"upgrade"), (b"upgrade", b"x"))
    assert facts(HOST, *upgrade).upgrade == b"x"
    assert facts(HOST, *upgrade, (b"content-length", b"1")).upgrade is None
    with pytest.raises(UpgradeWithContent):
        facts(HOST, *upgrade, (b"upgrade", b"WebSocket"), (b"content-length", b"1"))


def test_request_line() -> None:
    assert parse_request_line(b"GET /a?b HTTP/1.0") == ("GET", b"/a?b", Target(b"/a", b"b", None), "1.0")
    with pytest.raises(InvalidRequestLine):
        parse_request_line(b"GET / HTTP/1.1\n")
    with pytest.raises(UnsupportedVersion):
        parse_request_line(b"GET / HTTP/2.0")
