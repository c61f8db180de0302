"""What a client does wrong, and what it is told: name, bytes by stream, the code of the connection or of the stream.

Each case is fed whole, byte by byte, and cut at every place: the outcome is the same.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from h3_doubles import CONTROL, DECODER, ENCODER, GET, POST, Fields, block, data, frame, headers

from pounce_h3 import errors
from pounce_h3.varint import encode_varint

__all__ = ["CONNECTION_CASES", "FINE", "STREAM_CASES", "Case"]


class Case(NamedTuple):
    """``pieces``: what comes on which stream, and whether that ends it. The control stream with SETTINGS is open."""

    name: str
    clause: str
    code: int
    pieces: list[tuple[int, bytes, bool]]
    settings: bool = True


def control(*frames: bytes) -> list[tuple[int, bytes, bool]]:
    return [(CONTROL, b"".join(frames), False)]


def request(*frames: bytes, end: bool = False) -> list[tuple[int, bytes, bool]]:
    return [(0, b"".join(frames), end)]


def fresh(stream: bytes, *, end: bool = False, stream_id: int = 14) -> list[tuple[int, bytes, bool]]:
    return [(stream_id, stream, end)]


def setting(key: int, value: int) -> bytes:
    return encode_varint(key) + encode_varint(value)


UNEXPECTED: Final = errors.H3_FRAME_UNEXPECTED
OF_HTTP2: Final = (("PRIORITY", 2), ("PING", 6), ("WINDOW_UPDATE", 8), ("CONTINUATION", 9))

CONNECTION_CASES: Final = [
    # -- requests
    *[Case(f"{name} on a request", "9114, 7.2.8", UNEXPECTED, request(frame(kind, b""))) for name, kind in OF_HTTP2],
    Case("DATA first", "9114, 4.1", UNEXPECTED, request(data(b"x"))),
    Case("DATA after trailers", "9114, 4.1", UNEXPECTED, request(headers(POST), headers([]), data(b""))),
    Case("HEADERS after trailers", "9114, 4.1", UNEXPECTED, request(headers(POST), headers([]), headers([]))),
    Case("SETTINGS on a request", "9114, 7.2.4", UNEXPECTED, request(frame(4, b""))),
    Case("GOAWAY on a request", "9114, 7.2.6", UNEXPECTED, request(frame(7, b"\0"))),
    Case("MAX_PUSH_ID on a request", "9114, 7.2.7", UNEXPECTED, request(frame(0xD, b"\0"))),
    Case("CANCEL_PUSH on a request", "9114, 7.2.3", UNEXPECTED, request(frame(3, b"\0"))),
    Case("PUSH_PROMISE from a client", "9114, 7.2.5", UNEXPECTED, request(headers(POST), frame(5, b"\0"))),
    Case("PRIORITY_UPDATE on a request", "9218, 7.2", UNEXPECTED, request(frame(0xF0700, b"\0u=1"))),
    Case("the end within HEADERS", "9114, 7.1", errors.H3_FRAME_ERROR, request(headers(GET)[:-1], end=True)),
    Case("the end within DATA", "9114, 7.1", errors.H3_FRAME_ERROR, request(headers(POST), b"\0\x05ab", end=True)),
    Case("the end within a type", "9114, 7.1", errors.H3_FRAME_ERROR, request(headers(POST), b"\x40", end=True)),
    Case("the end within an unknown frame", "9114, 7.1", errors.H3_FRAME_ERROR, request(b"\x21\x05ab", end=True)),
    # -- the control stream
    Case("DATA before SETTINGS", "9114, 6.2.1", UNEXPECTED, control(b"\0", data(b"")), settings=False),
    Case("GOAWAY before SETTINGS", "9114, 6.2.1", errors.H3_MISSING_SETTINGS, control(b"\0", frame(7, b"\0")), False),
    Case("unknown before SETTINGS", "9114, 6.2.1", errors.H3_MISSING_SETTINGS, control(b"\0", frame(33, b"")), False),
    Case("SETTINGS twice", "9114, 7.2.4", UNEXPECTED, control(frame(4, b""))),
    Case("HEADERS on it", "9114, 7.2.2", UNEXPECTED, control(headers(GET))),
    Case("DATA on it", "9114, 7.2.1", UNEXPECTED, control(data(b"x"))),
    Case("PUSH_PROMISE on it", "9114, 7.2.5", UNEXPECTED, control(frame(5, b"\0"))),
    *[Case(f"{name} on it", "9114, 7.2.8", UNEXPECTED, control(frame(kind, b""))) for name, kind in OF_HTTP2],
    Case("its end", "9114, 6.2.1", errors.H3_CLOSED_CRITICAL_STREAM, [(CONTROL, b"", True)]),
    Case("a second", "9114, 6.2.1", errors.H3_STREAM_CREATION_ERROR, fresh(b"\0")),
    # -- settings
    *[
        Case(
            f"setting {key:#x} of HTTP/2",
            "9114, 7.2.4.1",
            errors.H3_SETTINGS_ERROR,
            control(b"\0", frame(4, setting(key, 1))),
            settings=False,
        )
        for key in (0, 2, 3, 4, 5)
    ],
    Case(
        "a setting twice",
        "9114, 7.2.4",
        errors.H3_SETTINGS_ERROR,
        control(b"\0", frame(4, setting(6, 1) + setting(6, 1))),
        settings=False,
    ),
    Case(
        "an unknown setting twice",
        "9114, 7.2.4",
        errors.H3_SETTINGS_ERROR,
        control(b"\0", frame(4, setting(0x21, 1) * 2)),
        settings=False,
    ),
    Case(
        "CONNECT_PROTOCOL of 2",
        "9220, 3; 8441, 3",
        errors.H3_SETTINGS_ERROR,
        control(b"\0", frame(4, setting(8, 2))),
        settings=False,
    ),
    Case(
        "half a setting",
        "9114, 7.1",
        errors.H3_FRAME_ERROR,
        control(b"\0", frame(4, setting(6, 1) + b"\x07")),
        settings=False,
    ),
    # -- frames with an id
    Case("GOAWAY without an id", "9114, 7.1", errors.H3_FRAME_ERROR, control(frame(7, b""))),
    Case("GOAWAY with more than an id", "9114, 7.1", errors.H3_FRAME_ERROR, control(frame(7, b"\0\0"))),
    Case("GOAWAY with half an id", "9114, 7.1", errors.H3_FRAME_ERROR, control(frame(7, b"\x40"))),
    Case("GOAWAY that grows", "9114, 5.2", errors.H3_ID_ERROR, control(frame(7, b"\1"), frame(7, b"\2"))),
    Case("MAX_PUSH_ID without an id", "9114, 7.1", errors.H3_FRAME_ERROR, control(frame(0xD, b""))),
    Case("MAX_PUSH_ID that falls", "9114, 7.2.7", errors.H3_ID_ERROR, control(frame(0xD, b"\2"), frame(0xD, b"\1"))),
    Case("CANCEL_PUSH of nothing", "9114, 7.2.3", errors.H3_ID_ERROR, control(frame(3, b"\0"))),
    Case("CANCEL_PUSH without an id", "9114, 7.1", errors.H3_FRAME_ERROR, control(frame(3, b""))),
    Case("PRIORITY_UPDATE of a push", "9218, 7.2", errors.H3_ID_ERROR, control(frame(0xF0701, b"\0u=1"))),
    Case("PRIORITY_UPDATE of stream 2", "9218, 7.2", errors.H3_ID_ERROR, control(frame(0xF0700, b"\2u=1"))),
    Case("PRIORITY_UPDATE without an id", "9218, 7.2", errors.H3_FRAME_ERROR, control(frame(0xF0700, b""))),
    # -- other streams
    Case("a push stream", "9114, 6.2.2", errors.H3_STREAM_CREATION_ERROR, fresh(b"\1\0")),
    Case(
        "a second encoder stream",
        "9204, 4.2",
        errors.H3_STREAM_CREATION_ERROR,
        [(ENCODER, b"\2", False), (14, b"\2", False)],
    ),
    Case(
        "a second decoder stream",
        "9204, 4.2",
        errors.H3_STREAM_CREATION_ERROR,
        [(DECODER, b"\3", False), (14, b"\3", False)],
    ),
    Case("the end of the encoder stream", "9204, 4.2", errors.H3_CLOSED_CRITICAL_STREAM, [(ENCODER, b"\2", True)]),
    Case("the end of the decoder stream", "9204, 4.2", errors.H3_CLOSED_CRITICAL_STREAM, [(DECODER, b"\3", True)]),
    # -- QPACK
    Case("a block that is none", "9204, 6", errors.QPACK_DECOMPRESSION_FAILED, request(frame(1, b""))),
    Case("a static entry too far", "9204, 3.1", errors.QPACK_DECOMPRESSION_FAILED, request(frame(1, b"\0\0\xff\x24"))),
    Case(
        "a table that is too large",
        "9204, 3.2.3",
        errors.QPACK_ENCODER_STREAM_ERROR,
        [(ENCODER, b"\2\x3f\xe2\x1f", False)],
    ),
    Case(
        "an acknowledgement of nothing", "9204, 4.4.1", errors.QPACK_DECODER_STREAM_ERROR, [(DECODER, b"\3\x80", False)]
    ),
    Case("an increment of nothing", "9204, 4.4.3", errors.QPACK_DECODER_STREAM_ERROR, [(DECODER, b"\3\x01", False)]),
    Case("an increment of 0", "9204, 4.4.3", errors.QPACK_DECODER_STREAM_ERROR, [(DECODER, b"\3\x00", False)]),
    Case(
        "a number without an end",
        "9204, 4.1.1",
        errors.QPACK_DECODER_STREAM_ERROR,
        [(DECODER, b"\3\x7f" + b"\x80" * 12, False)],
    ),
]


def wrong(name: str, clause: str, fields: Fields, *rest: bytes, end: bool = True) -> Case:
    return Case(name, clause, errors.H3_MESSAGE_ERROR, request(headers(fields), *rest, end=end))


STREAM_CASES: Final = [
    Case("nothing but an end", "9114, 4.1.2", errors.H3_REQUEST_INCOMPLETE, request(end=True)),
    Case(
        "an unknown frame and an end", "9114, 4.1.2", errors.H3_REQUEST_INCOMPLETE, request(frame(33, b"x"), end=True)
    ),
    wrong("no method", "9114, 4.3.1", GET[1:]),
    wrong("no path", "9114, 4.3.1", [*GET[:2], GET[3]]),
    wrong("a path that is empty", "9114, 4.3.1", [*GET[:2], (b":path", b""), GET[3]]),
    wrong("two methods", "9114, 4.3.1", [*GET, GET[0]]),
    wrong("a pseudo-field of responses", "9114, 4.3", [*GET, (b":status", b"200")]),
    wrong("a pseudo-field behind others", "9114, 4.3", [*GET[:3], (b"x", b"y"), GET[3]]),
    wrong("upper case", "9114, 4.2", [*GET, (b"X", b"y")]),
    wrong("connection", "9114, 4.2", [*GET, (b"connection", b"close")]),
    wrong("transfer-encoding", "9114, 4.2", [*GET, (b"transfer-encoding", b"chunked")]),
    wrong("te: gzip", "9114, 4.2", [*GET, (b"te", b"gzip")]),
    wrong("a line feed in a value", "9114, 4.2", [*GET, (b"x", b"a\nb")]),
    wrong(":protocol without WebSockets", "9220, 3", [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"x")]),
    wrong("a length without a body", "9114, 4.1.2", [*POST, (b"content-length", b"1")]),
    wrong("more body than its length", "9114, 4.1.2", [*POST, (b"content-length", b"1")], data(b"ab"), end=False),
    wrong("less body than its length", "9114, 4.1.2", [*POST, (b"content-length", b"3")], data(b"ab")),
    wrong("less body, and trailers", "9114, 4.1.2", [*POST, (b"content-length", b"3")], data(b"ab"), headers([])),
    wrong("two lengths", "9110, 8.6", [*POST, (b"content-length", b"1"), (b"content-length", b"1")], data(b"a")),
    wrong("a pseudo-field in trailers", "9114, 4.3", POST, headers([(b":path", b"/")])),
    wrong("upper case in trailers", "9114, 4.2", POST, headers([(b"X", b"y")])),
]

FINE: Final = [
    (
        "unknown frames everywhere",
        request(frame(33, b"x"), headers(POST), frame(64, b""), data(b"a"), frame(33, b"yy"), end=True),
    ),
    ("empty DATA", request(headers(POST), data(b""), data(b"a"), data(b""), end=True)),
    ("trailers", request(headers(POST), data(b"a"), headers([(b"x-a", b"b")]), frame(33, b""), end=True)),
    ("trailers without a body", request(headers(POST), headers([(b"x-a", b"b")]), end=True)),
    (
        "lengths in eight octets",
        request(b"\xc0" + bytes(6) + b"\1\xc0" + bytes(6) + bytes([len(block(GET))]) + block(GET), end=True),
    ),
]
"""Requests that are right, however they look."""
