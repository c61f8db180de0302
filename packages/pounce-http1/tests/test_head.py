"""What follows from a block of fields; the case table has it on the wire."""

from __future__ import annotations

import pytest

from pounce_http1 import InvalidHost, InvalidRequestLine, UnsupportedVersion, UpgradeWithContent
from pounce_http1.field_lines import DECISIVE_NAMES, Field
from pounce_http1.head import HeaderBlock, build_block, build_head, parse_request_line
from pounce_http1.target import Target

HOST = (b"host", b"h")


def block(*fields: Field, version: str = "1.1") -> HeaderBlock:
    return build_block(version, list(fields), [field for field in fields if field[0] in DECISIVE_NAMES])


def test_a_block_without_wishes() -> None:
    facts = {name: getattr(block(HOST), name) for name in HeaderBlock.__slots__}
    assert facts == {
        "accepts_trailers": False,
        "chunked": False,
        "content_length": None,
        "expect_continue": False,
        "expectation_failed": False,
        "has_body": False,
        "headers": (HOST,),
        "host": b"h",
        "http_version": "1.1",
        "keep_alive": True,
        "upgrade": None,
    }


def test_an_authority_replaces_host_and_nothing_else() -> None:
    fields = block(
        (b"a", b"b"),
        HOST,
        (b"connection", b"close"),
        (b"expect", b"100-continue"),
        (b"content-length", b"5"),
        (b"te", b"trailers"),
    )
    head = build_head("POST", b"http://x/y?z", Target(b"/y", b"z", b"x"), fields)
    assert head.headers[:2] == ((b"host", b"x"), (b"a", b"b"))
    assert len(head.headers) == len(fields.headers)
    for name in set(HeaderBlock.__slots__) - {"host", "headers"}:
        assert getattr(head, name) == getattr(fields, name), name
    assert head.host == b"x"
    assert fields.host == b"h", "the block may be remembered: it is not changed"


def test_three_hosts_are_several() -> None:
    with pytest.raises(InvalidHost, match="more than one"):
        block(HOST, HOST, HOST)


def test_upgrade_with_content() -> None:
    upgrade = ((b"connection", b"upgrade"), (b"upgrade", b"x"))
    assert block(HOST, *upgrade).upgrade == b"x"
    with pytest.raises(UpgradeWithContent):
        block(HOST, *upgrade, (b"content-length", b"1"))


def test_request_line() -> None:
    assert parse_request_line(b"GET /a?b HTTP/1.0") == ("GET", b"/a?b", Target(b"/a", b"b", None), "1.0")
    with pytest.raises(InvalidRequestLine):
        parse_request_line(b"GET / HTTP/1.1\n")
    with pytest.raises(UnsupportedVersion):
        parse_request_line(b"GET / HTTP/2.0")
