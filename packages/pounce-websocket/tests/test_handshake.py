"""The opening handshake: what is accepted, and what every mistake is answered."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from websocket_doubles import CONNECT, KEY, UPGRADE, Head, with_fields

from pounce_asgi import RequestError, WebSocketSettings
from pounce_websocket import HandshakeRefused, UnsupportedVersion
from pounce_websocket.handshake import accept_value, read_handshake

Pair = tuple[bytes, bytes]


def replaced(name: bytes, *values: bytes, head: Head | None = None) -> Head:
    """The valid handshake with other values of a field, or without it."""
    head = head or Head()
    rest = tuple(field for field in head.headers if field[0] != name)
    return dataclasses.replace(head, headers=(*rest, *((name, value) for value in values)))


def test_the_proof_of_the_standard() -> None:
    assert accept_value(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3


VALID: dict[str, Head] = {
    "plain": Head(),
    "upgrade in another case": replaced(b"upgrade", b"WebSocket"),
    "several upgrades": replaced(b"upgrade", b"h2c, websocket"),
    "connection in another case": replaced(b"connection", b"UPGRADE"),
    "several connection fields": replaced(b"connection", b"keep-alive", b"upgrade"),
    "key with all kinds of letters": replaced(b"sec-websocket-key", b"abcABC012+/xyzXYZ789+/=="[:22] + b"=="),
    "odd bytes where they mean nothing": with_fields((b"cookie", b"\xff\xfe"), (b"x", b"\x80")),
}


@pytest.mark.parametrize("name", VALID)
def test_what_is_valid(name: str) -> None:
    handshake = read_handshake(VALID[name], deflate=True)
    assert handshake.accept is not None
    assert handshake.response_fields(None) == [(b"sec-websocket-accept", handshake.accept)]


INVALID: dict[str, Head] = {
    "method": Head(method="POST"),
    "method of another case": Head(method="get"),
    "HTTP/1.0": Head(http_version="1.0"),
    "a body": Head(has_body=True),
    "no connection": replaced(b"connection"),
    "another connection": replaced(b"connection", b"keep-alive"),
    "connection with an odd byte": replaced(b"connection", b"upgrade\xff"),
    "no upgrade": replaced(b"upgrade"),
    "another upgrade": replaced(b"upgrade", b"websockets"),
    "upgrade with an odd byte": replaced(b"upgrade", b"websocket\xe4"),
    "no key": replaced(b"sec-websocket-key"),
    "two keys": replaced(b"sec-websocket-key", KEY, KEY),
    "an empty key": replaced(b"sec-websocket-key", b""),
    "a short key": replaced(b"sec-websocket-key", b"c2hvcnQ="),
    "a long key": replaced(b"sec-websocket-key", b"AAAA" + KEY),
    "a key that is no base64": replaced(b"sec-websocket-key", b"!" * 22 + b"=="),
    "a key without its end": replaced(b"sec-websocket-key", KEY[:-2]),
    "a key of another alphabet": replaced(b"sec-websocket-key", b"-_" * 11 + b"=="),
    "a key with an odd byte": replaced(b"sec-websocket-key", b"\xc4" + KEY[1:]),
    "a key with a line end": replaced(b"sec-websocket-key", KEY + b"\n"),
    "no version": replaced(b"sec-websocket-version"),
    "two versions": replaced(b"sec-websocket-version", b"13", b"13"),
    "a version that is no number": replaced(b"sec-websocket-version", b"13x"),
    "a version with an odd byte": replaced(b"sec-websocket-version", b"1\xb3"),
    "subprotocol with a space": with_fields((b"sec-websocket-protocol", b"a b")),
    "subprotocol with an odd byte": with_fields((b"sec-websocket-protocol", b"ch\xe4t")),
    "subprotocol in quotes": with_fields((b"sec-websocket-protocol", b'"chat"')),
    "extensions with an odd byte": with_fields((b"sec-websocket-extensions", b"permessage-defl\xe4te")),
    "extensions that cannot be read": with_fields((b"sec-websocket-extensions", b"a; =b")),
    "HTTP/2 with another method": dataclasses.replace(CONNECT, method="GET"),
    "HTTP/2 without a version": dataclasses.replace(CONNECT, headers=()),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_not(name: str) -> None:
    with pytest.raises(HandshakeRefused) as caught:
        read_handshake(INVALID[name], deflate=True)
    assert isinstance(caught.value, RequestError)
    assert caught.value.status == 400
    assert caught.value.fields == ()
    assert str(caught.value).isascii()


@pytest.mark.parametrize("version", [b"0", b"8", b"12", b"14", b"013", b"255"])
def test_another_version_is_told_which_one_is_spoken(version: bytes) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        read_handshake(replaced(b"sec-websocket-version", version), deflate=True)
    assert caught.value.status == 426
    assert (b"sec-websocket-version", b"13") in caught.value.fields
    assert (b"upgrade", b"websocket") in caught.value.fields  # RFC 9110, 15.5.22
    with pytest.raises(HandshakeRefused) as caught_later:
        read_handshake(replaced(b"sec-websocket-version", version, head=CONNECT), deflate=True)
    assert caught_later.value.status == 400
    assert caught_later.value.fields == ((b"sec-websocket-version", b"13"),)


def test_every_odd_byte_in_every_field_is_no_more_than_a_refusal() -> None:
    for name, value in UPGRADE[1:]:
        for byte in (*range(0x20), *range(0x7F, 0x100)):
            for odd in (bytes((byte,)), value + bytes((byte,)), value[:1] + bytes((byte,)) + value[1:]):
                with contextlib.suppress(RequestError):
                    read_handshake(replaced(name, odd), deflate=True)


def test_over_http2_there_is_neither_key_nor_upgrade() -> None:
    handshake = read_handshake(CONNECT, deflate=True)
    assert handshake.accept is None
    assert handshake.response_fields("chat", [(b"x", b"y")]) == [(b"sec-websocket-protocol", b"chat"), (b"x", b"y")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], ()),
        ([b""], ()),
        ([b"chat"], ("chat",)),
        ([b"b, a ,, c"], ("b", "a", "c")),
        ([b"b, a", b"c"], ("b", "a", "c")),
        ([b"a, b, a"], ("a", "b")),
        ([b"soap.v1+json, !#$%&'*+-.^_`|~"], ("soap.v1+json", "!#$%&'*+-.^_`|~")),
    ],
)
def test_subprotocols(fields: list[bytes], expected: tuple[str, ...]) -> None:
    head = with_fields(*((b"sec-websocket-protocol", value) for value in fields))
    assert read_handshake(head, deflate=True).subprotocols == expected


def test_compression_is_offered_by_the_settings() -> None:
    head = with_fields(
        (b"sec-websocket-extensions", b"x-unknown"), (b"sec-websocket-extensions", b"permessage-deflate")
    )
    assert WebSocketSettings().ws_per_message_deflate
    handshake = read_handshake(head, deflate=True)
    assert handshake.deflate is not None
    assert (b"sec-websocket-extensions", b"permessage-deflate") in handshake.response_fields(None)
    assert read_handshake(head, deflate=False).deflate is None
