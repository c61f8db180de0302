"""HTTP/3: frames on streams and QPACK, through the real connection, with a QUIC in memory.

An input is a script: pieces of streams, each a frame of given kind and payload with the right length, or raw bytes.

- Nothing comes out, neither of the connection nor into the loop.
- A connection lives or is closed with a code of HTTP/3 or QPACK; when its client is gone nothing is left of it.
- However the bytes of a stream are cut: the same requests, the same close, the same resets.
- A request that reaches the application is one: its method, path and fields by the grammar of HTTP.
- Nothing is answered out of proportion; windows are given back for no more than what came.
"""

from __future__ import annotations

import struct
from typing import Any

from tests.fuzz.doubles import double, run, turns
from tests.fuzz.http2_frames import LIMITS, Judge
from tests.fuzz.target import Target, chance_of, cut

__all__ = ["HTTP3_STREAMS"]

DOUBLES: Any = double("pounce-h3", "h3_doubles")
CASES: Any = double("pounce-h3", "rule_cases")
CODES = {*range(0x100, 0x111), 0x200, 0x201, 0x202, 0x33}
_RECORD = struct.Struct("<BBBH")
_END, _RAW = 1, 2
Piece = tuple[int, bytes, bool]


def script_of(pieces: list[Piece]) -> bytes:
    """Pieces of streams as a script, raw."""
    return b"".join(
        _RECORD.pack(stream & 0xFE, _RAW | (_END if end else 0), 0, len(data)) + data for stream, data, end in pieces
    )


def framed(stream: int, kind: int, payload: bytes, *, end: bool = False) -> bytes:
    """One frame as a record of a script."""
    return _RECORD.pack(stream, _END if end else 0, kind, len(payload)) + payload


def pieces_of(data: bytes) -> list[Piece]:
    """What a client sends, by a script. After the end of a stream nothing comes on it."""
    pieces: list[Piece] = []
    ended: set[int] = set()
    position = 0
    while position + _RECORD.size <= len(data):
        stream, flags, kind, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        payload = data[position : position + length]
        position += length
        stream &= 0xFE
        if stream in ended:
            continue
        end = bool(flags & _END)
        if end:
            ended.add(stream)
        pieces.append((stream, payload if flags & _RAW else DOUBLES.frame(kind, payload), end))
    return pieces


class Observed:
    """One conversation and what is to be known of it."""

    def __init__(self, *, waits: bool) -> None:
        self.talk: Any = DOUBLES.Conversation(Judge(waits=waits), limits=LIMITS)
        self.connection: Any = self.talk.connection
        self.requests: list[tuple[int, tuple[Any, ...]]] = []
        self.received: dict[int, int] = {DOUBLES.CONTROL: len(DOUBLES.SETTINGS)}
        taken = self.connection.request_received

        def request_received(stream_id: int, fields: Any, ended: bool) -> None:
            self.requests.append((stream_id, tuple(map(tuple, fields))))
            taken(stream_id, fields, ended)

        self.connection.request_received = request_received

    def receive(self, stream: int, data: bytes, end: bool) -> None:
        """Hand bytes on, in as many turns as the connection takes for them."""
        makes_way = self.connection.stream_received(stream, data, end)
        while makes_way:
            makes_way = self.connection.take_turn()

    async def feed(self, pieces: list[Piece], *, turn: bool) -> None:
        quic = self.talk.quic
        for stream, data, end in pieces:
            if quic.closed is None and stream not in quic.stops:
                self.received[stream] = self.received.get(stream, 0) + len(data)
                self.receive(stream, data, end)
            if turn:
                await turns(3)
        await turns(8)
        for stream, credit in quic.credits.items():
            assert credit <= self.received.get(stream, 0), "more credit than bytes"
        sent = sum(map(len, quic.sent.values()))
        assert sent <= 400 + 80 * (len(pieces) + sum(self.received.values())), "much more is sent than came"
        assert len(self.connection.streams) <= 128

    async def finish(self) -> None:
        if self.talk.quic.closed is not None:
            assert self.talk.quic.closed[0] in CODES, self.talk.quic.closed
            await turns(8)
        else:
            await self.talk.leave()
        await turns(8)
        assert not self.connection.streams
        assert not self.talk.host.watched
        assert len(self.talk.host.closed) == 1

    @property
    def outcome(self) -> tuple[Any, ...]:
        quic = self.talk.quic
        if quic.closed is not None:
            return self.requests, quic.closed[0]
        # Not what it was asked to stop: whether an end comes with the last bytes or after them makes that needless.
        return self.requests, quic.resets


async def _observe(pieces: list[Piece], *, waits: bool, turn: bool) -> Observed:
    observed = Observed(waits=waits)
    await observed.feed(pieces, turn=turn)
    await observed.finish()
    return observed


def _check(data: bytes) -> None:
    pieces = pieces_of(data)
    chance = chance_of(data)
    smaller: list[Piece] = []
    for stream, content, end in pieces:
        parts = cut(content, chance, 3)
        smaller += [(stream, part, False) for part in parts[:-1] if part]
        smaller.append((stream, parts[-1], end))

    async def scenario() -> None:
        await _observe(smaller, waits=False, turn=True)
        whole = await _observe(pieces, waits=True, turn=False)
        in_pieces = await _observe(smaller, waits=True, turn=False)
        if whole.talk.host.refused or in_pieces.talk.host.refused:
            # The rest of a request that is refused is not wanted any more, and whatever is wrong with it not seen.
            both = min(len(whole.requests), len(in_pieces.requests))
            assert in_pieces.requests[:both] == whole.requests[:both]
            return
        assert in_pieces.outcome == whole.outcome

    run(scenario)


_GET, _POST = DOUBLES.block(DOUBLES.GET), DOUBLES.block(DOUBLES.POST)

HTTP3_STREAMS = Target(
    name="http3",
    promises="nothing comes out; a code that there is; cuts change nothing; a request is one; credit for what came",
    check=_check,
    seeds=(
        *(script_of(case.pieces) for case in (*CASES.CONNECTION_CASES, *CASES.STREAM_CASES) if case.settings),
        framed(0, 1, _GET, end=True),
        framed(0, 1, _POST) + framed(0, 0, b"hello") + framed(0, 1, DOUBLES.block([(b"x", b"y")]), end=True),
        framed(0, 1, _GET, end=True) + framed(4, 1, _GET, end=True) + framed(8, 1, _GET, end=True),
        # a dynamic table: the encoder stream fills it, a request refers to it, another waits for it
        script_of(
            [
                (6, b"\x02\x3f\xe1\x1f\x41a\x01b", False),
                (0, DOUBLES.frame(1, b"\x02\x00\xd1\xd7\xc1\x50\x01a\x80"), True),
            ]
        ),
        script_of(
            [
                (0, DOUBLES.frame(1, b"\x02\x00\xd1\xd7\xc1\x50\x01a\x80"), True),
                (6, b"\x02\x3f\xe1\x1f\x41a\x01b", False),
            ]
        ),
    ),
    dictionary=(
        b"\xd1\xd7\xc1\x50\x01a",
        b"\0\0",
        b"\x27\x00a\x01b",
        b"\x3f\xe1\x1f",
        b"\xc0\0\0\0\0\0\0\1",
        b"\x40\x40",
        b"\x80\x00\xff\xff",
        _RECORD.pack(0, 0, 1, 4),
        _RECORD.pack(6, _RAW, 0, 2),
        _RECORD.pack(2, 0, 4, 2),
        _RECORD.pack(0, 1, 0, 1),
    ),
    modules=("pounce_h3", "pounce_asgi"),
    rounds=200,
    shapes=(
        lambda size: framed(2, 0x21, b"").ljust(5, b"\0") * (size // 5),
        lambda size: framed(0, 1, _POST) + framed(0, 0, b"") * (size // 5),
        lambda size: script_of([(0, b"\x21\x00" * (size // 2), False)]),
    ),
)
