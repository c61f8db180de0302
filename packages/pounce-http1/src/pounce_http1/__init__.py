"""A strict and fast sans-I/O HTTP/1.1 request parser and response writer in pure Python.

``RequestReader`` turns bytes into ``RequestHead``, ``BodyChunk`` and ``EndOfBody``; the functions of ``response`` turn
status and headers into bytes. Nothing here knows a socket. ``H11RequestReader`` (extra ``h11``, imported from
``pounce_http1.h11_engine``) has the same surface over h11.
"""

from __future__ import annotations

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
