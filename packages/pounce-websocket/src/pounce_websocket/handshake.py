"""The opening handshake of a server: what a request must be to become a WebSocket, and what it is answered.

Everything is looked at as bytes, so that an odd byte is a 400 like any other mistake (RFC 6455, 4.2.1). Over HTTP/2
and HTTP/3 there is neither key nor upgrade (RFC 8441, 5; RFC 9220, 3).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pounce_asgi import headers
from pounce_websocket.errors import HandshakeRefused, UnsupportedVersion
from pounce_websocket.extension_offers import DeflateParameters, choose_deflate, parse_extension_offers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi import HeaderPair, RequestHead

__all__ = ["Handshake", "accept_value", "read_handshake"]

VERSION: Final = b"13"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")  # 16 bytes in base64 (RFC 6455, 4.1)
_SUBPROTOCOL: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VERSION_NUMBER: Final = re.compile(rb"[0-9]{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """A valid handshake: what the client offers, and what of it is taken."""

    accept: bytes | None
    """The value of Sec-WebSocket-Accept; None over HTTP/2 and HTTP/3."""
    subprotocols: tuple[str, ...]
    """What the client offers, in its order of preference."""
    deflate: DeflateParameters | None
    """Compression as agreed on; None without it."""

    def response_fields(self, subprotocol: str | None, fields: Iterable[HeaderPair] = ()) -> list[HeaderPair]:
        """The fields that accept it, the application's among them."""
        answer: list[HeaderPair] = []
        if self.accept is not None:
            answer.append((b"sec-websocket-accept", self.accept))
        if subprotocol is not None:
            answer.append((b"sec-websocket-protocol", subprotocol.encode("ascii")))
        if self.deflate is not None:
            answer.append((b"sec-websocket-extensions", self.deflate.response))
        answer.extend(fields)
        return answer


def accept_value(key: bytes) -> bytes:
    """What proves that the key was understood (RFC 6455, 4.2.2)."""
    return b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def read_handshake(head: RequestHead, *, deflate: bool) -> Handshake:
    """Look at a request that asks for a WebSocket. ``deflate``: compression may be agreed on.

    Raises:
        HandshakeRefused: it is not valid; a RequestError whose ``fields`` belong into the answer.
    """
    fields = head.headers
    over_http1 = head.http_version not in ("2", "3")
    if over_http1:
        _check_upgrade(head)
    elif head.method != "CONNECT":
        raise HandshakeRefused("a WebSocket begins with CONNECT over HTTP/2 and HTTP/3")
    _check_version(head)
    accept = accept_value(_key(fields)) if over_http1 else None
    return Handshake(accept=accept, subprotocols=_subprotocols(fields), deflate=_deflate(fields) if deflate else None)


def _check_upgrade(head: RequestHead) -> None:
    """The parts of a handshake that only HTTP/1.1 has."""
    if head.http_version != "1.1":
        raise HandshakeRefused("a WebSocket needs HTTP/1.1 or later")
    if head.method != "GET":
        raise HandshakeRefused("a WebSocket begins with GET")
    if head.has_body:
        raise HandshakeRefused("the request that begins a WebSocket has no body")
    if not headers.contains_token(headers.combined(head.headers, b"connection"), b"upgrade"):
        raise HandshakeRefused("the Connection field of a WebSocket handshake names upgrade")
    if not headers.contains_token(headers.combined(head.headers, b"upgrade"), b"websocket"):
        raise HandshakeRefused("the Upgrade field of a WebSocket handshake names websocket")


def _check_version(head: RequestHead) -> None:
    versions = headers.get_all(head.headers, b"sec-websocket-version")
    if versions == [VERSION]:
        return
    if len(versions) != 1:
        raise HandshakeRefused("a WebSocket handshake has one Sec-WebSocket-Version field")
    if not _VERSION_NUMBER.fullmatch(versions[0]):
        raise HandshakeRefused("Sec-WebSocket-Version is not a number")
    if head.http_version == "1.1":
        raise UnsupportedVersion("the version of WebSocket spoken here is 13")
    # 426 asks for an upgrade of the connection, which the later versions of HTTP have not.
    error = HandshakeRefused("the version of WebSocket spoken here is 13")
    error.fields = ((b"sec-websocket-version", VERSION),)
    raise error


def _key(fields: Iterable[HeaderPair]) -> bytes:
    keys = headers.get_all(fields, b"sec-websocket-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise HandshakeRefused("Sec-WebSocket-Key is to be sent once, and to be 16 bytes in base64")
    return keys[0]


def _subprotocols(fields: Iterable[HeaderPair]) -> tuple[str, ...]:
    found: dict[str, None] = {}  # one that is named twice is one offer
    for value in headers.get_all(fields, b"sec-websocket-protocol"):
        for element in headers.list_elements(value):
            if not _SUBPROTOCOL.fullmatch(element):
                raise HandshakeRefused("Sec-WebSocket-Protocol is not a list of tokens")
            found[element.decode("ascii")] = None
    return tuple(found)


def _deflate(fields: Iterable[HeaderPair]) -> DeflateParameters | None:
    try:
        return choose_deflate(parse_extension_offers(headers.get_all(fields, b"sec-websocket-extensions")))
    except ValueError as error:
        raise HandshakeRefused(f"Sec-WebSocket-Extensions cannot be read: {error}") from error
