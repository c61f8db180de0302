"""HTTP/2 frames and HPACK, through the real connection, with a transport in memory.

An input is either bytes from the preface on, or a script: frames of which kind, flags, stream and payload are given and
the length is right, so that mutation gets past the reader of frames.

- Nothing comes out, neither of the connection nor into the loop.
- A connection lives or ends with a GOAWAY whose code there is; when its client is gone nothing is left of it.
- However the bytes are cut: the same requests, and the same end.
- A request that reaches the application is one: its method, path and fields by the grammar of HTTP.
- What is sent is whole frames, and no more of them than in proportion to what came.
- What is kept is bounded: the beginning of one frame, one block of fields, as many streams as are allowed.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from pounce_asgi.multiplexed.grammar import is_field_name, is_field_value, is_token
from tests.fuzz.doubles import Wait, double, run, turns
from tests.fuzz.target import Target, chance_of, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HTTP2_FRAMES"]

DOUBLES: Any = double("pounce-h2", "h2_doubles")
CASES: Any = double("pounce-h2", "frame_cases")
PREFACE: bytes = DOUBLES.PREFACE
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
OF_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"host"}
)
LIMITS = {"fields_size": 2000, "field_count": 20}
MOST_HELD = 16_384 + 9
MOST_BLOCK = 64 * 1024
_RECORD = struct.Struct("<BBBH")


def script_of(wire: bytes) -> bytes:
    """Frames as a script; what is no whole frame is left out."""
    script, position = b"", 0
    while position + 9 <= len(wire):
        length = int.from_bytes(wire[position : position + 3], "big")
        kind, flags, stream = wire[position + 3], wire[position + 4], wire[position + 8]
        payload = wire[position + 9 : position + 9 + length]
        script += _RECORD.pack(kind, flags, stream, len(payload) & 0xFFFF) + payload
        position += 9 + length
    return b"\x01" + script


def wire_of(data: bytes) -> bytes:
    """What a client sends, by an input."""
    if data.startswith(b"PRI"):
        return data
    wire, position = PREFACE + SETTINGS, 1
    while position + _RECORD.size <= len(data):
        kind, flags, stream, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        payload = data[position : position + length]
        position += length
        size = len(payload)
        wire += struct.pack(">BHBBL", size >> 16, size & 0xFFFF, kind, flags, stream) + payload
    return wire


class Judge:
    """The application, which knows what a request is; answers with its body or waits."""

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits
        self._wait = Wait()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        judge_scope(scope)
        if self._waits:
            await self._wait(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
        except OSError:
            return


def judge_scope(scope: Any) -> None:
    """That of a request over HTTP/2 or HTTP/3."""
    assert is_token(scope["method"].encode())
    assert scope["path"].startswith("/") or scope["path"] == "*"
    assert scope["raw_path"].isascii()
    assert b"?" not in scope["raw_path"]
    for name, value in scope["headers"]:
        assert is_field_name(name), name
        assert is_field_value(value), value
        assert name == b"host" or name not in OF_CONNECTION, name
        assert name != b"te" or value == b"trailers"
    assert sum(name == b"host" for name, _ in scope["headers"]) <= 1
    assert sum(name == b"content-length" for name, _ in scope["headers"]) <= 1


class Observed:
    """One conversation and what is to be known of it."""

    def __init__(self, *, waits: bool) -> None:
        self.talk: Any = DOUBLES.Conversation(Judge(waits=waits), raw=True, limits=LIMITS)
        self.connection: Any = self.talk.connection
        self.requests: list[tuple[int, tuple[Any, ...]]] = []
        received = self.connection.request_received

        def request_received(stream_id: int, fields: Any, ended: bool) -> None:
            self.requests.append((stream_id, tuple(map(tuple, fields))))
            received(stream_id, fields, ended)

        self.connection.request_received = request_received

    async def feed(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            if not self.talk.transport.closing and not self.talk.transport.paused:
                self.connection.data_received(piece)
                self._judge_memory()
            await turns(3)
        await turns(10)

    def _judge_memory(self) -> None:
        reader = self.connection.engine._reader
        assert len(reader._held) <= MOST_HELD
        assert reader._block_size <= MOST_BLOCK or self.talk.transport.closing
        assert len(self.connection.streams) <= 100

    async def finish(self) -> None:
        """The client goes, and nothing is left."""
        closing = self.talk.transport.closing
        self.talk.transport.lose(None if closing else ConnectionResetError("gone"))
        await turns(10)
        assert not self.connection.streams
        assert not self.talk.host.watched
        assert len(self.talk.host.closed) == 1

    @property
    def end(self) -> int | None:
        """The code of the GOAWAY."""
        codes = [payload[4:8] for kind, payload in frames_of(bytes(self.talk.transport.written)) if kind == 7]
        return int.from_bytes(codes[-1], "big") if codes else None


def frames_of(sent: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and payload; it must be whole frames."""
    position = 0
    while position < len(sent):
        assert position + 9 <= len(sent), "half a frame"
        length = int.from_bytes(sent[position : position + 3], "big")
        assert length <= 16_384
        assert position + 9 + length <= len(sent), "half a frame"
        yield sent[position + 3], sent[position + 9 : position + 9 + length]
        position += 9 + length


async def _observe(pieces: list[bytes], *, waits: bool) -> Observed:
    observed = Observed(waits=waits)
    await observed.feed(pieces)
    sent = len(observed.talk.transport.written)
    assert sent <= 400 + 40 * sum(map(len, pieces)), "much more is sent than came"
    assert observed.end is None or observed.end <= 0xD
    assert observed.talk.transport.closing or observed.end is None
    await observed.finish()
    return observed


def _check(data: bytes) -> None:
    wire = wire_of(data)
    chance = chance_of(data)

    async def scenario() -> None:
        await _observe(cut(wire, chance), waits=False)
        whole = await _observe([wire], waits=True)
        pieces = cut(wire, chance)
        in_pieces = await _observe(pieces, waits=True)
        if whole.talk.host.refused or in_pieces.talk.host.refused:
            # The answer to a request that is refused ends its stream, and what comes then is for a closed one.
            both = min(len(whole.requests), len(in_pieces.requests))
            assert in_pieces.requests[:both] == whole.requests[:both], pieces
            return
        assert in_pieces.requests == whole.requests, pieces
        assert in_pieces.end == whole.end, pieces

    run(scenario)


def _with_preface(wire: bytes) -> bytes:
    return PREFACE + SETTINGS + wire


def _seeds() -> tuple[bytes, ...]:
    short = [case for case in CASES.CASES if len(case.wire) < 600]
    raw = [_with_preface(case.wire) for case in short][::8]
    return (*(script_of(case.wire) for case in short), *raw)


def _growing(piece: bytes, start: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: _with_preface(start + piece * (size // len(piece)))


HTTP2_FRAMES = Target(
    name="http2",
    promises="nothing comes out; a code that there is; cuts change nothing; a request is one; bounded memory",
    check=_check,
    seeds=_seeds(),
    dictionary=(
        b"\x82\x86\x84\x41\x01a",
        b"\x83\x86\x84\x41\x01a",
        b"\x40\x01a\x01b",
        b"\x00\x0econtent-length\x011",
        b"\x00\x02te\x08trailers",
        b"\x3f\xe1\x1f",
        b"\x20",
        b"\xff\xff\xff\xff\x0f",
        b"\x01\x25\x01",
        b"\x00\x01\x01",
        b"\x03\x00\x01\x04\x00\0\0\0\x08",
        b"\x08\x00\x00\x04\x00\x7f\xff\xff\xff",
        b"\x04\x00\x00\x06\x00\x00\x04\x7f\xff\xff\xff",
        b":protocol",
    ),
    modules=("pounce_h2", "pounce_asgi", "h2", "hpack"),
    rounds=150,
    shapes=(
        _growing(SETTINGS),
        _growing(b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)),
        _growing(b"\0\0\0\0\0\0\0\0\x01", CASES.headers(1, DOUBLES.POST, end=False)),
        lambda size: _with_preface(CASES.frame(1, 5, 1, b"\x40\x01a\x01b" * (size // 5))),
    ),
)
