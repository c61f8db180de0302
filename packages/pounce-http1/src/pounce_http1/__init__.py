"""A strict and fast sans-I/O HTTP/1.1 request parser and response writer in pure Python.

``RequestReader`` turns bytes into ``RequestHead``, ``BodyChunk`` and ``EndOfBody``; the functions of ``response`` turn
status and headers into bytes. Nothing here knows a socket. ``H11RequestReader`` (extra ``h11``, imported from
``pounce_http1.h11_engine``) has the same surface over h11.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_http1.body import BodyChunk, EndOfBody
    from pounce_http1.errors import (
        BodyError,
        ChunkExtensionTooLong,
        ConflictingFraming,
        HeaderFieldTooLarge,
        HeadersTooLarge,
        IncompleteRequest,
        InvalidChunk,
        InvalidContentLength,
        InvalidHeader,
        InvalidHost,
        InvalidRequestLine,
        InvalidTarget,
        InvalidTrailer,
        InvalidTransferEncoding,
        LimitExceeded,
        LocalProtocolError,
        ProtocolError,
        RemoteProtocolError,
        RequestLineTooLong,
        TooManyHeaders,
        TrailersTooLarge,
        UnsupportedMethod,
        UnsupportedTransferCoding,
        UnsupportedVersion,
        UpgradeWithContent,
    )
    from pounce_http1.head import HeaderFacts, RequestHead
    from pounce_http1.header_memo import HeaderMemo
    from pounce_http1.limits import Limits
    from pounce_http1.reader import Event, RequestReader
    from pounce_http1.response import (
        LAST_CHUNK,
        DateCache,
        encode_chunk,
        encode_header_line,
        encode_last_chunk,
        encode_status_line,
        render_response_head,
    )

__all__ = [
    "LAST_CHUNK",
    "BodyChunk",
    "BodyError",
    "ChunkExtensionTooLong",
    "ConflictingFraming",
    "DateCache",
    "EndOfBody",
    "Event",
    "HeaderFacts",
    "HeaderFieldTooLarge",
    "HeaderMemo",
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
    "Limits",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "RequestHead",
    "RequestLineTooLong",
    "RequestReader",
    "TooManyHeaders",
    "TrailersTooLarge",
    "UnsupportedMethod",
    "UnsupportedTransferCoding",
    "UnsupportedVersion",
    "UpgradeWithContent",
    "encode_chunk",
    "encode_header_line",
    "encode_last_chunk",
    "encode_status_line",
    "render_response_head",
]

_HOMES: Final = {
    ".body": ("BodyChunk", "EndOfBody"),
    ".errors": (
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
    ),
    ".head": ("HeaderFacts", "RequestHead"),
    ".header_memo": ("HeaderMemo",),
    ".limits": ("Limits",),
    ".reader": ("Event", "RequestReader"),
    ".response": (
        "DateCache",
        "LAST_CHUNK",
        "encode_chunk",
        "encode_header_line",
        "encode_last_chunk",
        "encode_status_line",
        "render_response_head",
    ),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
