"""QUIC datagrams through the real endpoint, with either library: packets that are wrong outside and inside.

An input is a byte for the stage of the attacker's handshake and the library, and a script: records of a kind, flags,
and a payload, which is the datagram itself or the frames in a packet that is sealed with the right keys.

- Nothing comes out of the endpoint or into the loop, and no connection fails in an unforeseen way.
- No address that has not been proven is sent more than three times what came from it.
- A client that has nothing to do with it is served as before.
- There are never more connections than are allowed; some time later nothing is left: connections, IDs, timers.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Final

from tests.fuzz.quic_packets import CLIENT_ID, client_hello, initial_keys, long_header, short_header
from tests.fuzz.quic_world import AT_MOST, LIBRARIES, Attacker, World
from tests.fuzz.target import Target

__all__ = ["QUIC_DATAGRAMS", "record"]

RAW, SHORT, INITIAL, HANDSHAKE, TIME, ECHO, STREAM = range(7)
_KINDS: Final = 7
_RECORD: Final = struct.Struct("<BBH")
_PADDED: Final = 1200
_MOST_RECORDS: Final = 40

OTHER_ADDRESS = 0x03
"""Flags: by which address it comes; the first is the attacker's own."""
REPEATED, JUMPED, PHASE, RESERVED, OLD_ID, JOINED = 0x04, 0x08, 0x10, 0x20, 0x40, 0x80
TOKEN, BROKEN_TOKEN, SAME_ID, SMALL, VERSION = 0x04, 0x08, 0x10, 0x20, 0x40


def record(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """One record of a script."""
    return _RECORD.pack(kind, flags, len(payload)) + payload


class Script:
    """Makes datagrams of records and lets them arrive."""

    def __init__(self, world: World, attacker: Attacker) -> None:
        self.world = world
        self.attacker = attacker
        self.number = 100
        self.initials = 0
        self.joined = b""

    async def play(self, data: bytes) -> None:
        """All of it, then a little time."""
        position = 0
        for _ in range(_MOST_RECORDS):
            if position + _RECORD.size > len(data):
                break
            kind, flags, length = _RECORD.unpack_from(data, position)
            position += _RECORD.size
            payload = data[position : position + length]
            position += length
            await self._one(kind % _KINDS, flags, payload)
            assert self.world.endpoint.connections <= AT_MOST
        self._arrive(b"", 0)
        await asyncio.sleep(0.3)

    async def _one(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == TIME:
            await asyncio.sleep(flags / 50)
        elif kind == RAW:
            self._arrive(payload.ljust(_PADDED, b"\0") if flags & JOINED else payload, flags)
        elif kind == ECHO:
            if answers := self.world.network.answers:
                self._arrive(
                    bytes(
                        (payload[:1] or b"\0")[0] ^ byte if at == 0 else byte
                        for at, byte in enumerate(answers[flags % len(answers)])
                    ),
                    0,
                )
        elif kind == INITIAL:
            self._initial(flags, payload)
        elif kind == HANDSHAKE:
            self._handshake(flags, payload)
        elif kind == SHORT:
            self._short(flags, payload)
        else:
            frame = bytes((0x0A | flags & 1,)) + struct.pack(">BH", flags & 0x3E, 0x4000 | len(payload)) + payload
            self._short(0, frame)
        await asyncio.sleep(0)

    def _arrive(self, data: bytes, flags: int, *, joins: bool = False) -> None:
        self.joined += data
        if joins or not self.joined:
            return
        data, self.joined = self.joined[:1500], b""
        self.world.network.arrive(data, self.attacker.addresses[flags & OTHER_ADDRESS])

    def _next_number(self, flags: int) -> int:
        if not flags & REPEATED:
            self.number += 1000 if flags & JUMPED else 1
        return self.number

    def _short(self, flags: int, frames: bytes) -> None:
        attacker = self.attacker
        keys = attacker.secrets.get("CLIENT_TRAFFIC_SECRET_0")
        if keys is None:
            return
        called = attacker.original_id if flags & OLD_ID else attacker.destination_id
        header = short_header(called, phase=bool(flags & PHASE), reserved=bool(flags & RESERVED))
        packet = keys.seal(header, self._next_number(flags), frames[:1100].ljust(4, b"\0"))
        self._arrive(packet, flags, joins=bool(flags & JOINED))

    def _handshake(self, flags: int, frames: bytes) -> None:
        attacker = self.attacker
        keys = attacker.secrets.get("CLIENT_HANDSHAKE_TRAFFIC_SECRET")
        if keys is None:
            return
        frames = frames[:1100].ljust(4, b"\0")
        header = long_header(2, attacker.destination_id, attacker.source_id, len(frames))
        # Whoever has these keys has seen our answer (RFC 9000, 8.1).
        self.world.network.proven.add(attacker.addresses[flags & OTHER_ADDRESS])
        self._arrive(keys.seal(header, self._next_number(flags), frames), flags, joins=bool(flags & JOINED))

    def _initial(self, flags: int, frames: bytes) -> None:
        if not flags & SAME_ID:
            self.initials += 1
        called = b"begin%03d" % self.initials
        token = b""
        if flags & TOKEN and (token := self.attacker.token):
            called = self.attacker.destination_id
            if flags & BROKEN_TOKEN:
                token = token[:-1] + bytes((token[-1] ^ 1,))
            else:
                self.world.network.proven.add(self.attacker.addresses[flags & OTHER_ADDRESS])
        version = 0x6B3343CF if flags & VERSION else 1
        size = max(len(frames), 4 if flags & SMALL else _PADDED - 40)
        frames = frames[:1100].ljust(size, b"\0")
        header = long_header(0, called, CLIENT_ID, len(frames), token=token, version=version)
        packet = initial_keys(called).seal(header, self._next_number(flags) - 100, frames)
        self._arrive(packet, flags, joins=bool(flags & JOINED))


def _check(data: bytes) -> None:
    first = data[0] if data else 0
    world = World.of(LIBRARIES[(first >> 2) % len(LIBRARIES)], retry=bool(first & 0x10))

    async def scenario() -> None:
        attacker = Attacker(world, min(first & 3, 2))
        await attacker.begin()
        await Script(world, attacker).play(data[1:])
        await world.judge()

    world.run(scenario())


_HELLO = client_hello()
_CRYPTO = b"\x06\x00" + struct.pack(">H", 0x4000 | len(_HELLO)) + _HELLO
_FRAMES: Final = (
    b"\x01",
    b"\x02\x05\x00\x00\x05",
    b"\x03\x05\x00\x00\x05\x00\x00\x00",
    b"\x04\x00\x41\x0c\x00",
    b"\x05\x00\x41\x0c",
    b"\x06\x00\x04abcd",
    b"\x06\x50\x00\x04abcd",
    b"\x07\x04abcd",
    b"\x0f\x00\x40\x00\x02\x01\x00",
    b"\x0e\x08\xc0\x00\x00\x00\x40\x00\x00\x00\x01a",
    b"\x10\xc0\x00\x00\x01\x00\x00\x00\x00",
    b"\x11\x00\x50\x00",
    b"\x12\x50\x00",
    b"\x13\xd0\x00\x00\x00\x00\x00\x00\x00",
    b"\x14\x40\x64",
    b"\x15\x00\x40\x64",
    b"\x16\x40\x64",
    b"\x18\x03\x02\x08abcdefgh0123456789abcdef",
    b"\x18\x3f\x3f\x08ijklmnop0123456789abcdef",
    b"\x19\x00",
    b"\x19\x01",
    b"\x1a12345678",
    b"\x1b12345678",
    b"\x1c\x0a\x06\x03bye",
    b"\x1d\x41\x00\x00",
    b"\x1e",
    b"\x30abc",
    b"\x0a\x02\x03\x00\x04\x00",
    b"\x0b\x00\x1f\x01\x1d\x00\x00\xd1\xd7\xc1\x50\x09localhost",
)
_REQUEST: Final = b"\x01\x0f\x00\x00\xd1\xd7\xc1\x50\x09localhost"


def _stage(stage: int, *, library: int = 0, retry: bool = False) -> bytes:
    return bytes((stage | library << 2 | retry << 4,))


def _seeds() -> tuple[bytes, ...]:
    seeds: list[bytes] = []
    for library in range(len(LIBRARIES)):
        none, half, done = (_stage(stage, library=library) for stage in range(3))
        proof = _stage(0, library=library, retry=True)
        seeds += [
            none + record(INITIAL, _CRYPTO),
            none + record(INITIAL, _CRYPTO[:100]) + record(TIME, b"", 5) + record(INITIAL, _CRYPTO, SAME_ID),
            none + record(INITIAL, _CRYPTO, SMALL | JOINED) + record(INITIAL, b"\x01", SMALL | SAME_ID),
            none + record(INITIAL, _CRYPTO, VERSION) + record(INITIAL, b"\x1c\0\0\0"),
            none + record(RAW, b"\xc0\x1a\x2a\x3a\x4a\x08abcdefgh\x08ijklmnop", JOINED),
            none + record(RAW, b"\x40abcdefgh" + bytes(40)) + record(RAW, b"\xf0\0\0\0\x01\x08abcdefgh\x00token"),
            proof + record(INITIAL, _CRYPTO) + record(INITIAL, _CRYPTO, TOKEN),
            proof + record(INITIAL, _CRYPTO) + record(INITIAL, _CRYPTO, TOKEN | BROKEN_TOKEN),
            half + record(HANDSHAKE, b"\x06\x00\x24\x14\0\0\x20" + bytes(32)),
            half + record(HANDSHAKE, b"\x02\x00\x00\x00\x00") + record(TIME, b"", 50) + record(ECHO, b"\x01", 1),
            done + record(STREAM, _REQUEST, 1) + record(SHORT, b"\x1a12345678", 1) + record(SHORT, b"\x01", 2),
            done + record(STREAM, b"\0\x04\0", 2) + record(STREAM, _REQUEST, 1) + record(TIME, b"", 30),
            done + b"".join(record(SHORT, b"\x01", address) for address in (1, 2, 3, 0, 1)),
            done + record(SHORT, b"\x01", PHASE) + record(SHORT, b"\x01", RESERVED) + record(SHORT, b"\x01", JUMPED),
            done + b"".join(record(SHORT, frame) for frame in _FRAMES[:4]),
            # a connection that is closed after its client has seemed to move
            done + record(SHORT, b"\x0f\x00\x40\x00\x02\x01\x08", 1),
            done + record(SHORT, b"\x01", 1) + record(SHORT, b"\x30", 2),
        ]
        seeds += [done + record(SHORT, frame) for frame in _FRAMES]
        seeds += [half + record(HANDSHAKE, frame) for frame in _FRAMES[::3]]
    return tuple(seeds)


QUIC_DATAGRAMS = Target(
    name="quic",
    promises="nothing comes out; never three times as much to a stranger; others are served; nothing is left",
    check=_check,
    seeds=_seeds(),
    dictionary=(*_FRAMES, _CRYPTO, *(record(kind, b"\x01") for kind in range(_KINDS))),
    modules=("pounce_h3", "aioquic/quic", "qh3/quic"),
    rounds=50,
)
