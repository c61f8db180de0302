"""The errors of WebSockets: of a handshake, answered with an HTTP status, and of a conversation, ended with a code."""

# ruff: noqa: N818 - the names say what happened; a suffix on every one of them would add nothing.

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_asgi import RequestError

if TYPE_CHECKING:
    from pounce_asgi import HeaderPair

__all__ = [
    "ConversationFailed",
    "EmptyFragments",
    "HandshakeRefused",
    "InvalidPayload",
    "MessageTooBig",
    "ProtocolViolation",
    "UnsupportedVersion",
]


class HandshakeRefused(RequestError):
    """The request is not the valid beginning of a WebSocket (RFC 6455, 4.2.1; RFC 8441, 5)."""

    status = 400

    fields: tuple[HeaderPair, ...] = ()
    """Fields for the answer, beside those that every answer has."""


class UnsupportedVersion(HandshakeRefused):
    """The client speaks another version of the protocol; ``fields`` tell which one is spoken here (RFC 6455, 4.4)."""

    status = 426

    fields = ((b"sec-websocket-version", b"13"), (b"upgrade", b"websocket"))


class ConversationFailed(Exception):
    """The client broke a rule, so the conversation is over (RFC 6455, 7.1.7). ``code`` and the message tell it why."""

    code = 1002
    limit = ""
    """What there was too much of, as the lifecycle records name it."""


class ProtocolViolation(ConversationFailed):
    """Bytes that no valid frame, or no valid order of frames, has."""


class InvalidPayload(ConversationFailed):
    """Text that is not UTF-8, or compressed data that cannot be decompressed (RFC 6455, 8.1; RFC 7692, 6.2)."""

    code = 1007


class EmptyFragments(ConversationFailed):
    """A message of ever more fragments without content: no limit on its size would ever end it (RFC 6455, 7.4.1)."""

    code = 1008
    limit = "flood:empty_fragments"


class MessageTooBig(ConversationFailed):
    """A message larger than the limit, as it was sent or after decompression (RFC 6455, 10.4)."""

    code = 1009
    limit = "ws_max_size"
