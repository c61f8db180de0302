"""WebSocket frames and permessage-deflate: the reader by itself, and a whole conversation.

An input is either raw bytes (after a byte 0xFF) or a script: first byte, length and payload of frames, which are then
masked.

- Nothing is raised but `ConversationFailed`; its code may be sent in a close frame.
- However the bytes are cut: the same messages, pings and end.
- No message, and nothing that is kept, is larger than the limit.
- Content written as frames, whole or in fragments, compressed or not, is read as that content.
- What the server sends is whole frames, unmasked; its last is a close frame; after it nothing is left.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from pounce_websocket.deflate import Deflater, Inflater
from pounce_websocket.errors import ConversationFailed
from pounce_websocket.extension_offers import DeflateParameters
from pounce_websocket.reader import FrameReader
from tests.fuzz.doubles import double, run, turns
from tests.fuzz.target import Target, chance_of, cut

if TYPE_CHECKING:
    import random

    from pounce_websocket.making import Making

__all__ = ["WEBSOCKET_FRAMES"]

DOUBLES: Any = double("pounce-websocket", "websocket_doubles")
LIMIT = 1000
CODES = {1002, 1003, 1007, 1008, 1009, 1010, 1011}
_RECORD = struct.Struct("<BH")


class Listener:
    """Keeps what it is told; wants a pause after every third message."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def message_received(self, message: dict[str, Any], size: int) -> bool:
        content = message.get("text", message.get("bytes"))
        assert content is not None
        assert size == len(content) or isinstance(content, str)
        assert len(content) <= LIMIT, "a message above the limit"
        self.told.append(content)
        return len(self.told) % 3 == 0

    def wants_message(self) -> bool:
        return True

    def ping_received(self, payload: bytes) -> None:
        assert len(payload) <= 125
        self.told.append(("ping", payload))

    def close_received(self, code: int, reason: str) -> None:
        assert 1000 <= code < 5000
        self.told.append(("close", code, reason))


def _reader(listener: Listener, *, compressed: bool) -> FrameReader:
    return FrameReader(listener, LIMIT, Inflater(DeflateParameters(), LIMIT) if compressed else None)


def _made(making: Making) -> int:
    """Bytes of a message that is being made."""
    return sum(map(len, making._parts)) + sum(len(part.encode()) for part in making._texts)


def _read(pieces: list[bytes], *, compressed: bool) -> tuple[list[Any], int | None]:
    listener = Listener()
    reader = _reader(listener, compressed=compressed)
    end: int | None = None
    try:
        for piece in pieces:
            stopped = reader.receive_data(piece)
            while stopped:
                stopped = reader.receive_data(b"")
            assert len(reader._rest) - reader._offset <= LIMIT + 14
            assert reader._pile is None or reader._pile.size <= LIMIT
            assert reader._making is None or _made(reader._making) <= LIMIT
    except ConversationFailed as error:
        assert error.code in CODES  # noqa: PT017 - a target, not a test
        assert len(str(error)) <= 123  # noqa: PT017 - a target, not a test
        end = error.code
    return listener.told, end


def wire_of(data: bytes) -> bytes:
    """What a client sends, by an input."""
    if data[:1] == b"\xff":
        return data[1:]
    wire, position = b"", 0
    while position + _RECORD.size <= len(data):
        first, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        payload = data[position : position + length]
        position += length
        wire += DOUBLES.frame(first & 15, payload, fin=first >= 128, rsv=first >> 4 & 7)
    return wire


def _frames(content: bytes, chance: random.Random, deflater: Deflater | None) -> bytes:
    payload = content if deflater is None else deflater.message(content)
    parts = cut(payload, chance, 3)
    wire = b""
    for index, part in enumerate(parts):
        wire += DOUBLES.frame(
            2 if index == 0 else 0,
            part,
            fin=index == len(parts) - 1,
            rsv=4 if index == 0 and deflater is not None else 0,
            mask=chance.randbytes(4),
        )
        if chance.random() < 0.2:
            wire += DOUBLES.frame(9, b"x")
    return wire


def _check_rendered(data: bytes, chance: random.Random) -> None:
    contents = [data[start : start + LIMIT] for start in range(0, min(len(data), 3 * LIMIT), LIMIT)]
    for compressed in (False, True):
        deflater = Deflater(DeflateParameters()) if compressed else None
        wire = b"".join(_frames(content, chance, deflater) for content in contents)
        told, end = _read(cut(wire, chance), compressed=compressed)
        assert end is None
        assert [one for one in told if one != ("ping", b"x")] == contents


async def _converse(pieces: list[bytes]) -> None:
    offer = (b"sec-websocket-extensions", b"permessage-deflate")
    talk = await DOUBLES.Conversation(DOUBLES.Echo(), DOUBLES.with_fields(offer), ws_max_size=LIMIT).start()
    for piece in pieces:
        await talk.say(piece)
    talk.connection.connection_lost(None)
    await turns(10)
    illegal, DOUBLES.illegal_uses[:] = list(DOUBLES.illegal_uses), []
    assert not illegal, illegal
    frames = talk.frames
    closes = [index for index, frame in enumerate(frames) if frame.opcode == 8]
    assert closes in ([], [len(frames) - 1])
    assert not talk.host.watched


def _check(data: bytes) -> None:
    chance = chance_of(data)
    wire = wire_of(data)
    for compressed in (False, True):
        whole = _read([wire], compressed=compressed)
        for pieces in (
            cut(wire, chance),
            [wire[at : at + 1] for at in range(len(wire))] if len(wire) < 400 else [wire],
        ):
            assert _read(pieces, compressed=compressed) == whole, pieces
    if chance.random() < 0.3:
        _check_rendered(data, chance)
    if chance.random() < 0.3:
        run(lambda: _converse(cut(wire, chance, 3)))


def _deflated(content: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return (engine.compress(content) + engine.flush(zlib.Z_SYNC_FLUSH))[:-4]


def framed(first: int, payload: bytes) -> bytes:
    """One frame as a record of a script."""
    return _RECORD.pack(first, len(payload)) + payload


_TEXT = "gr\u00fc\u00df\U0001f43e".encode()

WEBSOCKET_FRAMES = Target(
    name="websocket",
    promises="our errors only; cuts change nothing; nothing above the limit; what is written is read",
    check=_check,
    seeds=(
        framed(0x81, _TEXT),
        framed(0x82, b"x" * 126),
        framed(0x01, _TEXT[:3]) + framed(0x89, b"ping") + framed(0x80, _TEXT[3:]),
        framed(0x88, b"\x03\xe8bye"),
        framed(0xC1, _deflated(_TEXT * 3)) + framed(0xC1, _deflated(_TEXT * 3)),
        framed(0x41, _deflated(_TEXT * 9)[:5]) + framed(0x80, _deflated(_TEXT * 9)[5:]),
        framed(0xC2, _deflated(b"\0" * 5000)),
        framed(0xC2, zlib.compress(b"abc", wbits=-15)) + framed(0xC2, b"\0"),
        framed(0x02, b"") + framed(0x00, b"") * 5 + framed(0x80, b"x"),
        framed(0x8A, b"pong") + framed(0x82, b"") + framed(0x88, b""),
        b"\xff" + DOUBLES.frame(1, _TEXT, length_bytes=2),
        b"\xff" + DOUBLES.frame(1, _TEXT, length_bytes=8),
        b"\xff" + DOUBLES.frame(1, _TEXT, mask=None),
        b"\xff\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ),
    dictionary=(
        framed(0x81, b"a"),
        framed(0x01, b"a"),
        framed(0x80, b"b"),
        framed(0x89, b""),
        framed(0x88, b"\x03\xe9"),
        framed(0xC1, _deflated(b"abc")),
        b"\x00\x00\xff\xff",
        b"\xf0\x9f\x90\xbe",
        b"\xed\xa0\x80",
        b"\x03\xef",
    ),
    modules=("pounce_websocket", "wsproto"),
    rounds=350,
    shapes=(
        lambda size: framed(0x81, b"a") * (size // 4),
        lambda size: framed(0x01, b"") + framed(0x00, b"a") * (min(size, 900) // 4),
        lambda size: framed(0x89, b"") * (size // 3),
        lambda size: framed(0x02, b"") + framed(0x00, b"") * (size // 3),
    ),
)
