"""Whoever sends without end costs no more memory than the limits say: the most that was held is measured.

Each case feeds far more than the limits in pieces, and stops at the first error, as a server would.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from pounce_http1 import Limits, RemoteProtocolError, RequestReader
from pounce_websocket.deflate import Inflater
from pounce_websocket.errors import ConversationFailed
from pounce_websocket.extension_offers import DeflateParameters
from pounce_websocket.reader import FrameReader
from tests.fuzz import http2_frames, http3_streams, websocket_frames
from tests.fuzz.doubles import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 4096
ENDLESS = 300_000
LIMIT = 10_000
LIMITS = Limits(
    limit_request_line=LIMIT,
    limit_request_field_size=LIMIT,
    limit_request_header_size=LIMIT,
    limit_chunk_extension=LIMIT,
    limit_trailer_size=LIMIT,
)
_HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
_CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _peak(feed: Callable[[], object]) -> int:
    """The most bytes that were held at once, beyond what was there before. It is done twice: the first time imports."""
    feed()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        feed()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _pieces(start: bytes, forever: bytes) -> Iterator[bytes]:
    piece = forever * (PIECE // len(forever))
    yield start
    yield from itertools.repeat(piece, ENDLESS // PIECE)


HTTP1 = {
    "an endless request line": (b"GET /", b"a"),
    "an endless field": (_HEAD + b"X: ", b"a"),
    "endless fields": (_HEAD, b"X: yyyyyyyyyyy\r\n"),
    "endless empty lines": (b"", b"\r\n"),
    "an endless chunk extension": (_CHUNKED + b"5;", b"a"),
    "an endless chunk size": (_CHUNKED, b"0"),
    "endless small chunks": (_CHUNKED, b"1\r\na\r\n"),
    "an endless trailer": (_CHUNKED + b"0\r\nX: ", b"a"),
    "endless trailers": (_CHUNKED + b"0\r\n", b"X: y\r\n"),
    "an endless body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n", b"a"),
    "endless requests": (b"", _HEAD + b"\r\n"),
}


@pytest.mark.parametrize("name", HTTP1)
def test_http1(name: str) -> None:
    start, forever = HTTP1[name]

    def feed() -> None:
        reader = RequestReader(LIMITS)
        with contextlib.suppress(RemoteProtocolError):
            for piece in _pieces(start, forever):
                reader.receive_data(piece)
                while reader.maybe_next_event() is not None:
                    pass

    assert _peak(feed) < 8 * (LIMIT + PIECE)


class _Silent:
    def message_received(self, message: dict[str, Any], size: int) -> bool:
        return False

    def wants_message(self) -> bool:
        return True

    def ping_received(self, payload: bytes) -> None: ...

    def close_received(self, code: int, reason: str) -> None: ...


def _bomb() -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(bytes(20_000_000)) + engine.flush(zlib.Z_SYNC_FLUSH)


WEBSOCKET = {
    "an endless frame": (websocket_frames.DOUBLES.frame(2, b"", length_bytes=8)[:2] + bytes(7) + b"\x0f", b"a"),
    "endless fragments": (
        websocket_frames.DOUBLES.frame(2, b"", fin=False),
        websocket_frames.DOUBLES.frame(0, b"a", fin=False),
    ),
    "endless empty fragments": (
        websocket_frames.DOUBLES.frame(2, b"", fin=False),
        websocket_frames.DOUBLES.frame(0, b"", fin=False),
    ),
    "endless pings": (b"", websocket_frames.DOUBLES.frame(9, b"a" * 100)),
    "a bomb": (websocket_frames.DOUBLES.frame(2, _bomb(), rsv=4), b"\x00"),
    "a bomb in fragments": (websocket_frames.DOUBLES.frame(2, _bomb(), rsv=4, fin=False), b"\x00"),
}


@pytest.mark.parametrize("name", WEBSOCKET)
def test_websocket(name: str) -> None:
    start, forever = WEBSOCKET[name]

    def feed() -> None:
        reader = FrameReader(_Silent(), LIMIT, Inflater(DeflateParameters(), LIMIT))
        with contextlib.suppress(ConversationFailed):
            for piece in _pieces(start, forever):
                while reader.receive_data(piece):
                    piece = b""

    # zlib has a window of 32 KiB, and a buffer for what comes out.
    assert _peak(feed) < 8 * (LIMIT + PIECE) + len(start) + 65536


HTTP2 = {
    "an endless block of fields": (
        http2_frames.CASES.frame(1, 0, 1, b"\x82"),
        http2_frames.CASES.frame(9, 0, 1, b"\x82" * 999),
    ),
    "endless fields": (
        http2_frames.CASES.frame(1, 0, 1, b""),
        http2_frames.CASES.frame(9, 0, 1, b"\x40\x01a\x01b" * 200),
    ),
    "endless pings": (b"", http2_frames.CASES.frame(6, 0, 0, bytes(8))),
    "endless settings": (b"", http2_frames.SETTINGS),
    "endless window updates": (b"", http2_frames.CASES.frame(8, 0, 0, b"\0\0\0\1")),
    "endless unknown frames": (b"", http2_frames.CASES.frame(0x42, 0, 0, bytes(999))),
}


@pytest.mark.parametrize("name", HTTP2)
def test_http2(name: str) -> None:
    start, forever = HTTP2[name]

    async def talk() -> None:
        observed = http2_frames.Observed(waits=True)
        await observed.feed([http2_frames.PREFACE + http2_frames.SETTINGS])
        for piece in _pieces(start, forever) if start else itertools.repeat(forever, 5000):
            if observed.talk.transport.closing:
                break
            observed.connection.data_received(piece)
        await observed.finish()

    assert _peak(lambda: run(talk)) < 1_500_000


HTTP3 = {
    "an endless frame of fields": (b"\x01\x80\x0f\xff\xff", b"a"),
    "an endless unknown frame": (b"\x21\x80\x0f\xff\xff", b"a"),
    "endless unknown frames": (b"", b"\x21\x00"),
}


@pytest.mark.parametrize("name", HTTP3)
def test_http3(name: str) -> None:
    start, forever = HTTP3[name]

    async def talk() -> None:
        observed = http3_streams.Observed(waits=True)
        for piece in _pieces(start, forever):
            if observed.talk.quic.closed is not None or 0 in observed.talk.quic.stops:
                break
            if piece:
                observed.receive(0, piece, False)
        await observed.finish()

    assert _peak(lambda: run(talk)) < 1_000_000
