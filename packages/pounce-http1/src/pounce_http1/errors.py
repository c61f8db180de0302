"""What can go wrong, as one small tree: ours or the peer's first, then one class per thing a caller treats differently.

Every error carries the answer that a server gives (``status``) and whether the connection can go on (``must_close``),
so that nobody keeps a look-up table. Messages quote what the peer sent with ``quote()``: escaped and cut, safe to log.
"""

# ruff: noqa: N818 - the names say what went wrong, as in h11, h2 and websockets; "Error" after each adds nothing

from __future__ import annotations

from typing import ClassVar, Final

__all__ = [
    "BodyError",
    "ChunkExtensionTooLong",
    "ConflictingFraming",
    "HeaderFieldTooLarge",
    "HeadersTooLarge",
    "IncompleteRequest",
    "InvalidChunk",
    "InvalidContentLength",
    "InvalidHeader",
    "InvalidHost",
    "InvalidRequestLine",
    "InvalidTarget",
    "InvalidTrailer",
    "InvalidTransferEncoding",
    "LimitExceeded",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "RequestLineTooLong",
    "TooManyHeaders",
    "TrailersTooLarge",
    "UnsupportedMethod",
    "UnsupportedTransferCoding",
    "UnsupportedVersion",
    "UpgradeWithContent",
    "quote",
]

_QUOTED_BYTES: Final = 60
"""Enough to recognise a line in a log; more would let a stranger fill the log."""


def quote(data: bytes | bytearray) -> str:
    """Bytes of a stranger as a short, escaped, printable text without the ``b`` prefix."""
    text = repr(bytes(data[:_QUOTED_BYTES]))[1:]
    return text if len(data) <= _QUOTED_BYTES else f"{text}... ({len(data)} bytes)"


class ProtocolError(Exception):
    """A violation of HTTP/1.1 by either side."""

    status: ClassVar[int] = 400
    """The status code to answer with."""

    must_close: ClassVar[bool] = True
    """The connection cannot carry another request after this."""


class LocalProtocolError(ProtocolError, ValueError):
    """We were about to send something that HTTP does not allow, such as a line break in a header."""

    status = 500


class RemoteProtocolError(ProtocolError):
    """The peer sent something that HTTP does not allow, or that we refuse."""


class InvalidRequestLine(RemoteProtocolError):
    """Not ``method SP request-target SP HTTP-version CRLF`` (RFC 9112, 3)."""


class InvalidTarget(RemoteProtocolError):
    """The request target has none of the four forms, or a form that its method does not allow (RFC 9112, 3.2)."""


class UnsupportedVersion(RemoteProtocolError):
    """A major version other than 1 (RFC 9110, 15.6.6)."""

    status = 505


class UnsupportedMethod(RemoteProtocolError):
    """CONNECT: we are an origin server, not a proxy (RFC 9110, 9.3.6 and 15.6.2)."""

    status = 501


class InvalidHeader(RemoteProtocolError):
    """A field line that is not ``field-name ":" OWS field-value OWS CRLF`` (RFC 9112, 5)."""


class InvalidHost(RemoteProtocolError):
    """Host is missing, given twice, or not ``host[:port]`` (RFC 9112, 3.2)."""


class InvalidContentLength(RemoteProtocolError):
    """Content-Length is not exactly one number below 2**63 (RFC 9112, 6.3)."""


class InvalidTransferEncoding(RemoteProtocolError):
    """Transfer-Encoding is not ``chunked``, exactly once (RFC 9112, 6.1)."""


class UnsupportedTransferCoding(RemoteProtocolError):
    """A transfer coding other than chunked (RFC 9112, 6.1)."""

    status = 501


class ConflictingFraming(RemoteProtocolError):
    """Content-Length and Transfer-Encoding in one request (RFC 9112, 6.3)."""


class UpgradeWithContent(RemoteProtocolError):
    """A request that asks for another protocol and carries content (RFC 9110, 7.8)."""


class IncompleteRequest(RemoteProtocolError):
    """The peer closed its side in the middle of a head or a body (RFC 9112, 8)."""


class BodyError(RemoteProtocolError):
    """The head was fine and is already handed out; what follows it is not."""


class InvalidChunk(BodyError):
    """A chunk that is not ``size [extensions] CRLF data CRLF`` (RFC 9112, 7.1)."""


class InvalidTrailer(BodyError):
    """A trailer field that is malformed, or that may not come in a trailer (RFC 9110, 6.5.1)."""


class LimitExceeded(RemoteProtocolError):
    """The request is larger than the settings allow. ``setting`` names the field of ``Limits``."""

    setting: ClassVar[str] = ""


class RequestLineTooLong(LimitExceeded):
    """The request line is longer than ``limit_request_line`` (RFC 9110, 15.5.15)."""

    status = 414
    setting = "limit_request_line"


class HeaderFieldTooLarge(LimitExceeded):
    """One header field is longer than ``limit_request_field_size`` (RFC 6585, 5)."""

    status = 431
    setting = "limit_request_field_size"


class HeadersTooLarge(LimitExceeded):
    """All header fields together are longer than ``limit_request_header_size`` (RFC 6585, 5)."""

    status = 431
    setting = "limit_request_header_size"


class TooManyHeaders(LimitExceeded):
    """More header fields than ``limit_request_fields`` (RFC 6585, 5)."""

    status = 431
    setting = "limit_request_fields"


class ChunkExtensionTooLong(LimitExceeded, BodyError):
    """More chunk extensions than ``limit_chunk_extension`` (RFC 9112, 7.1.1)."""

    setting = "limit_chunk_extension"


class TrailersTooLarge(LimitExceeded, BodyError):
    """The trailer section is longer than ``limit_trailer_size`` (RFC 6585, 5)."""

    status = 431
    setting = "limit_trailer_size"
