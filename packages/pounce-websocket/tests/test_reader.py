"""Frames: tables of what a client may send and what it may not, each fed in every way that a carrier could deliver it.

The cases are those that the Autobahn suite consists of; its sections are named beside them.
"""

from __future__ import annotations

import itertools
import random
import tracemalloc
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from websocket_doubles import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, TEXT, close, frame, text

from pounce_websocket import frames as frames_module
from pounce_websocket import reader as reader_module
from pounce_websocket.deflate import Deflater, Inflater
from pounce_websocket.errors import ConversationFailed
from pounce_websocket.extension_offers import DeflateParameters
from pounce_websocket.reader import FrameReader
from pounce_websocket.wsproto_engine import WsprotoEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 70_000
PLAIN = DeflateParameters()


class Listener:
    """Keeps what a reader tells, as ``str``, ``bytes`` or ``("ping", payload)`` and ``("close", code, reason)``."""

    def __init__(self, full_after: int | None = None) -> None:
        self.events: list[Any] = []
        self.full_after = full_after
        self.hungry = True

    def message_received(self, message: dict[str, Any], size: int) -> bool:
        assert message.pop("type") == "websocket.receive"
        ((key, content),) = message.items()
        assert type(content) is {"text": str, "bytes": bytes}[key]
        assert size == len(content) or (key == "text" and size == len(content.encode()))
        self.events.append(content)
        return self.full_after is not None and len(self.events) % self.full_after == 0

    def wants_message(self) -> bool:
        return self.hungry

    def ping_received(self, payload: bytes) -> None:
        self.events.append(("ping", payload))

    def close_received(self, code: int, reason: str) -> None:
        self.events.append(("close", code, reason))


class Outcome(NamedTuple):
    """What was told, and the code with which a rule was broken, if one was."""

    events: list[Any]
    code: int | None


def read(pieces: list[bytes], *, limit: int = LIMIT, inflater: Inflater | None = None) -> Outcome:
    listener = Listener()
    reader = FrameReader(listener, limit, inflater)
    try:
        for piece in pieces:
            stopped = reader.receive_data(piece)
            while stopped:
                assert reader.turn_over
                stopped = reader.receive_data(b"")
    except ConversationFailed as error:
        return Outcome(listener.events, error.code)
    return Outcome(listener.events, None)


def feedings(wire: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and cut in two at every place; large ones at some places."""
    yield [wire]
    if len(wire) <= 2000:
        yield [wire[i : i + 1] for i in range(len(wire))]
    step = max(1, len(wire) // 60)
    for cut in sorted({*range(1, len(wire), step), *range(1, min(len(wire), 16))}):
        yield [wire[:cut], wire[cut:]]


def check(wire: bytes, events: list[Any], code: int | None, *, deflate: DeflateParameters | None = None) -> None:
    for pieces in feedings(wire):
        inflater = None if deflate is None else Inflater(deflate, LIMIT)
        assert read(pieces, inflater=inflater) == Outcome(events, code), [len(piece) for piece in pieces]


# Sections 1 and 2: messages and pings of every size.
SIZES = (0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 511, 512, 513, 65535, 65536, 65537)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_of_any_size_is_whole(opcode: int, size: int) -> None:
    payload = b"*" * size if opcode == TEXT else bytes(i & 255 for i in range(size))
    check(frame(opcode, payload), [payload.decode() if opcode == TEXT else payload], None)


VALID: dict[str, tuple[bytes, list[Any]]] = {
    "2.1 ping without payload": (frame(PING), [("ping", b"")]),
    "2.2 ping with text": (frame(PING, b"Hello"), [("ping", b"Hello")]),
    "2.3 ping with bytes": (frame(PING, b"\x00\xff\xfe\xfd"), [("ping", b"\x00\xff\xfe\xfd")]),
    "2.4 ping of 125 bytes": (frame(PING, b"\xfe" * 125), [("ping", b"\xfe" * 125)]),
    "2.7 unasked pong": (frame(PONG), []),
    "2.8 unasked pong with payload": (frame(PONG, b"unasked"), []),
    "2.9 pong, then ping": (frame(PONG, b"unasked") + frame(PING, b"p"), [("ping", b"p")]),
    "2.10 ten pings": (b"".join(frame(PING, b"%d" % i) for i in range(10)), [("ping", b"%d" % i) for i in range(10)]),
    "5.3 two fragments": (text("frag", fin=False) + frame(CONTINUATION, b"ment"), ["fragment"]),
    "5.6 ping between fragments": (
        text("frag", fin=False) + frame(PING, b"!") + frame(CONTINUATION, b"ment"),
        [("ping", b"!"), "fragment"],
    ),
    "5.19 pings between five fragments": (
        text("1", fin=False)
        + frame(CONTINUATION, b"2", fin=False)
        + frame(PING, b"a")
        + frame(CONTINUATION, b"3", fin=False)
        + frame(CONTINUATION, b"4", fin=False)
        + frame(PING, b"b")
        + frame(CONTINUATION, b"5"),
        [("ping", b"a"), ("ping", b"b"), "12345"],
    ),
    "binary fragments": (frame(BINARY, b"\xff", fin=False) + frame(CONTINUATION, b"\xfe"), [b"\xff\xfe"]),
    "6.1.1 empty text": (text(""), [""]),
    "6.1.2 three empty fragments": (
        text("", fin=False) + frame(CONTINUATION, fin=False) + frame(CONTINUATION),
        [""],
    ),
    "6.1.3 one that is not empty among them": (
        text("", fin=False) + frame(CONTINUATION, b"middle", fin=False) + frame(CONTINUATION),
        ["middle"],
    ),
    "empty binary fragments": (frame(BINARY, fin=False) + frame(CONTINUATION), [b""]),
    "line ends stay": (text("a\r\n", fin=False) + frame(CONTINUATION, b"b\nc\r"), ["a\r\nb\nc\r"]),
    "6.2.2 UTF-8 in two fragments, cut at a character": (
        text("Hello-µ@ßö", fin=False) + frame(CONTINUATION, "äüàá-UTF-8!!".encode()),
        ["Hello-µ@ßöäüàá-UTF-8!!"],
    ),
    "6.2.3 UTF-8, a fragment for each byte": (
        text("", fin=False)
        + b"".join(frame(CONTINUATION, bytes((b,)), fin=False) for b in "κόσμε\U0010ffff".encode())
        + frame(CONTINUATION),
        ["κόσμε\U0010ffff"],
    ),
    "a mask of zeros": (text("zeros", mask=b"\0\0\0\0"), ["zeros"]),
    "7.1.3 a ping after the close": (close() + frame(PING), [("close", 1000, "")]),
    "7.1.4 text after the close": (text("a") + close() + text("b"), ["a", ("close", 1000, "")]),
    "7.1.5 a close within a message": (
        text("half", fin=False) + close() + frame(CONTINUATION, b"rest"),
        [("close", 1000, "")],
    ),
    "a broken frame after the close": (close() + b"\xff\xff\xff", [("close", 1000, "")]),
    "7.3.1 a close without payload": (frame(CLOSE), [("close", 1005, "")]),
    "7.3.3 a close with a code": (close(1000), [("close", 1000, "")]),
    "7.3.4 a close with a reason": (close(1000, "Hello World!"), [("close", 1000, "Hello World!")]),
    "7.3.5 the longest reason": (close(1000, "*" * 123), [("close", 1000, "*" * 123)]),
}


@pytest.mark.parametrize("name", VALID)
def test_what_is_valid(name: str) -> None:
    wire, events = VALID[name]
    check(wire, events, None)


INVALID: dict[str, tuple[bytes, list[Any], int]] = {
    "2.5 ping of 126 bytes": (frame(PING, b"*" * 126), [], 1002),
    "pong of 126 bytes": (frame(PONG, b"*" * 126), [], 1002),
    "7.3.6 close of 126 bytes": (close(1000, "*" * 124), [], 1002),
    "5.1 ping in fragments": (frame(PING, b"a", fin=False) + frame(CONTINUATION, b"b"), [], 1002),
    "5.2 pong in fragments": (frame(PONG, b"a", fin=False) + frame(CONTINUATION, b"b"), [], 1002),
    "close in fragments": (frame(CLOSE, b"\x03", fin=False) + frame(CONTINUATION, b"\xe8"), [], 1002),
    "5.9 a continuation of nothing": (frame(CONTINUATION, b"x") + text("Hello"), [], 1002),
    "5.10 an unfinished continuation of nothing": (frame(CONTINUATION, b"x", fin=False) + text("Hello"), [], 1002),
    "5.12 a continuation of nothing after a message": (text("Hello") + frame(CONTINUATION, b"x"), ["Hello"], 1002),
    "5.15 a message, then a continuation": (
        text("frag", fin=False) + frame(CONTINUATION, b"ment") + frame(CONTINUATION, b"x", fin=False),
        ["fragment"],
        1002,
    ),
    "5.18 text within text": (text("a", fin=False) + text("b"), [], 1002),
    "binary within text": (text("a", fin=False) + frame(BINARY, b"b"), [], 1002),
    "unfinished text within text": (text("a", fin=False) + text("b", fin=False), [], 1002),
    "7.3.2 a close with half a code": (frame(CLOSE, b"\x03"), [], 1002),
    "7.5.1 a reason that is not UTF-8": (frame(CLOSE, b"\x03\xe8\xce\xba\xe1\xbd\xed\xa0\x80"), [], 1007),
    "an unmasked message": (text("a", mask=None), [], 1002),
    "an unmasked ping": (frame(PING, mask=None), [], 1002),
    "an unmasked close": (close(mask=None), [], 1002),
    "an unmasked long message": (text("a" * 200, mask=None), [], 1002),
    "a length of 16 bits that 7 could hold": (text("a", length_bytes=2), [], 1002),
    "a length of 64 bits that 16 could hold": (frame(BINARY, b"a" * 200, length_bytes=8), [], 1002),
    "a length with its highest bit": (bytes((0x82, 0xFF)) + b"\x80" + b"\0" * 7 + MASK, [], 1002),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_not_valid(name: str) -> None:
    wire, events, code = INVALID[name]
    check(wire, events, code)


# Section 3: reserved bits, each combination, where no extension was agreed on.
@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_reserved_bits(opcode: int, rsv: int) -> None:
    check(text("before") + frame(opcode, b"\x03\xe8", rsv=rsv), ["before"], 1002)


@pytest.mark.parametrize("rsv", range(1, 8))
def test_reserved_bits_of_a_continuation(rsv: int) -> None:
    check(text("a", fin=False) + frame(CONTINUATION, b"b", rsv=rsv), [], 1002)


# Section 4: opcodes without a meaning.
@pytest.mark.parametrize("payload", [b"", b"payload"])
@pytest.mark.parametrize("opcode", [*range(3, 8), *range(11, 16)])
def test_reserved_opcodes(opcode: int, payload: bytes) -> None:
    check(text("before") + frame(opcode, payload) + frame(PING), ["before"], 1002)


# Section 7.7, 7.9 and 7.13: codes in a close frame.
SENDABLE = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
UNSENDABLE = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)


@pytest.mark.parametrize("code", SENDABLE)
def test_codes_that_a_client_may_send(code: int) -> None:
    check(close(code, "why"), [("close", code, "why")], None)


@pytest.mark.parametrize("code", UNSENDABLE)
def test_codes_that_a_client_may_not_send(code: int) -> None:
    check(close(code), [], 1002)


# Section 6: UTF-8. What is valid is anything that Python decodes; what is not, by the kinds of mistakes.
VALID_TEXTS = (
    "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd",
    "\ufffe", "\uffff", "\U00010000", "\U0001fffe", "\U0010fffe", "\U0010ffff", "ᚠᛇᚻ᛫ᛒᛦᚦ",
)  # fmt: skip
INVALID_TEXTS = (
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",  # 6.3: a surrogate
    b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80",  # 6.6-6.7: more than four bytes
    b"\xf7\xbf\xbf\xbf", b"\xf4\x90\x80\x80",  # 6.10: beyond U+10FFFF
    b"\x80", b"\xbf", b"\x80\xbf\x80",  # 6.12: continuations of nothing
    b"\xc0 \xc1 ", b"\xe0 \xe1 ", b"\xf0 \xf1 ",  # 6.13: first bytes alone
    b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf",  # 6.14: cut off at the end
    b"\xe2\x82", b"\xf0\x9f\x92", b"a\xc3",
    b"\xfe", b"\xff", b"\xfe\xfe\xff\xff",  # 6.16: bytes that never occur
    b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf",  # 6.17: longer than need be
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80",  # 6.20: surrogates
)  # fmt: skip


@pytest.mark.parametrize("content", VALID_TEXTS)
def test_text_that_is_utf8(content: str) -> None:
    payload = content.encode()
    check(frame(TEXT, payload), [content], None)
    check(frame(TEXT, payload[:1], fin=False) + frame(CONTINUATION, payload[1:]), [content], None)


@pytest.mark.parametrize("payload", INVALID_TEXTS)
def test_text_that_is_not(payload: bytes) -> None:
    check(frame(TEXT, payload), [], 1007)
    for cut in range(len(payload)):
        check(frame(TEXT, payload[:cut], fin=False) + frame(CONTINUATION, payload[cut:]), [], 1007)


@pytest.mark.parametrize("payload", INVALID_TEXTS)
def test_what_is_not_utf8_may_be_binary(payload: bytes) -> None:
    check(frame(BINARY, payload), [payload], None)


# Section 6.4: the mistake is noticed at the byte that makes it one, not at the end of the message.
@pytest.mark.parametrize("good", ["κόσμε", ""])
@pytest.mark.parametrize(
    ("bad", "needed"), [(b"\xf4\x90\x80\x80", 2), (b"\xed\xa0\x80", 3), (b"\xff", 1), (b"a\x80", 2)]
)
def test_text_fails_at_its_first_wrong_byte(good: str, bad: bytes, needed: int) -> None:
    start = frame(TEXT, good.encode(), fin=False)
    fragments = [start, frame(CONTINUATION, bad[: needed - 1], fin=False)]
    assert read(fragments).code is None
    assert read([*fragments, frame(CONTINUATION, bad[needed - 1 : needed], fin=False)]).code == 1007
    # The same within one frame, of which the rest never comes.
    wire = frame(TEXT, good.encode() + bad + b"rest")
    head = 6 + len(good.encode())
    assert read([wire[: head + needed - 1]]).code is None
    assert read([wire[: head + needed]]).code == 1007


# Section 9 and 10: large messages, in one frame and in many.
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fragment", [64, 256, 1024, 4096, 60_000])
def test_large_messages_in_fragments(opcode: int, fragment: int) -> None:
    payload = bytes(ord("a") + i % 26 for i in range(65536))
    parts = [payload[i : i + fragment] for i in range(0, len(payload), fragment)]
    wire = b"".join(
        frame(opcode if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1) for i, part in enumerate(parts)
    )
    whole = payload.decode() if opcode == TEXT else payload
    for chop in (64, 1000, len(wire)):
        pieces = [wire[i : i + chop] for i in range(0, len(wire), chop)]
        assert read(pieces) == Outcome([whole], None)


def test_many_messages_in_one_read_and_cut_anywhere() -> None:
    contents = [f"message {i} " + "x" * (i % 300) for i in range(300)]
    wire = b"".join(text(content) for content in contents)
    for chop in (1, 7, 131, 4096, len(wire)):
        assert read([wire[i : i + chop] for i in range(0, len(wire), chop)]) == Outcome(contents, None)


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 5, 125, 126, 1000, 65535, 65536, 100_000])
def test_the_limit_is_that_of_the_whole_message(limit: int) -> None:
    exact, above = b"x" * limit, b"x" * (limit + 1)
    for opcode in (TEXT, BINARY):
        assert read([frame(opcode, exact)] * 3, limit=limit).code is None
        assert read([frame(opcode, above)], limit=limit) == Outcome([], 1009)
        half = limit // 2
        start = frame(opcode, exact[:half], fin=False)
        assert read([start, frame(PING, b"p"), frame(CONTINUATION, exact[half:])] * 2, limit=limit).code is None
        assert read([start, frame(CONTINUATION, above[half:])], limit=limit).code == 1009


@pytest.mark.parametrize("size", [101, 126, 65536, 2**40, 2**63 - 1])
def test_a_message_is_too_big_before_it_has_come(size: int) -> None:
    length = b"\xff" + size.to_bytes(8, "big")
    if size < 65536:
        length = bytes((128 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    for opcode in (0x81, 0x82, 0x01):
        assert read([bytes((opcode,)) + length + MASK], limit=100).code == 1009


def test_the_limit_counts_bytes_of_text() -> None:
    assert read([text("ää")], limit=4).code is None
    assert read([text("ää")], limit=3).code == 1009


def test_endless_fragments_cost_no_more_than_the_limit() -> None:
    pieces = [text("", fin=False), *itertools.repeat(frame(CONTINUATION, b"x", fin=False), 1001)]
    assert read(pieces, limit=1000).code == 1009
    assert read(pieces[:-1], limit=1000).code is None


def held_by_what_is_not_whole(wire: bytes, inflater: Inflater | None = None) -> int:
    """Bytes of memory that these frames leave with the reader."""
    reader = FrameReader(Listener(), 16 << 20, inflater)
    tracemalloc.start()
    try:
        for start in range(0, len(wire), 65536):
            reader.receive_data(wire[start : start + 65536])
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("whole_frame", [True, False])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_that_is_not_whole_is_no_larger_than_what_came(opcode: int, whole_frame: bool) -> None:
    """A client that never ends its message leaves it with us for as long as it answers pings."""
    bomb = client_deflater(PLAIN).message(b"x" * 16_000_000)
    wire = frame(opcode, bomb, rsv=4, fin=False)
    held = held_by_what_is_not_whole(wire if whole_frame else wire[:-1], Inflater(PLAIN, 16 << 20))
    assert held < 16_384 + 10 * len(bomb) + 50_000, "with the window of 32 KiB"


def test_a_text_that_is_not_whole_takes_a_byte_for_a_byte() -> None:
    """Not four of them for each letter, because of the one that needs them."""
    parts = [b"a" * 100_000] * 10
    wire = frame(TEXT, "\U0001f600".encode(), fin=False)
    wire += b"".join(frame(CONTINUATION, part, fin=False) for part in parts)
    assert held_by_what_is_not_whole(wire) < 1_500_000


# -- stopping ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chop", [1, 10, 1000])
@pytest.mark.parametrize("full_after", [1, 2, 7])
def test_a_listener_may_say_stop(full_after: int, chop: int) -> None:
    fragments = text("frag", fin=False) + frame(CONTINUATION, b"ment")
    wire = (text("a") + fragments + text("x" * 200) + frame(BINARY, b"b")) * 5
    expected = ["a", "fragment", "x" * 200, b"b"] * 5
    listener = Listener(full_after)
    reader = FrameReader(listener, LIMIT, None)
    stopped = False
    for i in range(0, len(wire), chop):
        before = len(listener.events)
        if stopped:
            reader.keep(wire[i : i + chop])
        else:
            stopped = reader.receive_data(wire[i : i + chop])
        assert len(listener.events) - before <= full_after
    stops = 0
    while stopped:
        stops += 1
        stopped = reader.receive_data(b"")
        assert len(listener.events) % full_after == 0 or not stopped
    assert stops >= 1
    assert listener.events == expected


# -- what one client may have done ------------------------------------------------------------------------------------


FRAMES = 1000
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
"""A block of compressed data that becomes nothing."""
CROWDS: dict[str, tuple[bytes, bytes, bytes, list[Any]]] = {
    # What comes before, what comes a thousand times, what comes last, and what is told of it all.
    "empty fragments": (text("a", fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION, b"z"), ["az"]),
    "small fragments": (
        frame(BINARY, b"a", fin=False),
        frame(CONTINUATION, b"x", fin=False),
        frame(CONTINUATION, b"z"),
        [b"a" + b"x" * FRAMES + b"z"],
    ),
    "small messages in two fragments each": (
        b"",
        text("a", fin=False) + frame(CONTINUATION, b"b"),
        b"",
        ["ab"] * FRAMES,
    ),
    "compressed fragments that become nothing": (
        frame(TEXT, EMPTY_BLOCK, fin=False, rsv=4),
        frame(CONTINUATION, EMPTY_BLOCK, fin=False),
        frame(CONTINUATION, b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        ["Hello"],
    ),
    "compressed messages": (b"", frame(TEXT, b"\x00", rsv=4), text("z"), [""] * FRAMES + ["z"]),
    "pings": (text("a", fin=False), frame(PING), frame(CONTINUATION, b"z"), [("ping", b"")] * FRAMES + ["az"]),
}


def count_frames(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each frame that was looked at; True: by wsproto, from its head on."""
    counted: list[bool] = []
    unmask, receive_data = frames_module.unmask, WsprotoEngine.receive_data

    def unmasking(mask: bytes, data: bytes) -> bytes:
        counted.append(False)
        return unmask(mask, data)

    def receiving(self: WsprotoEngine, data: bytes) -> Any:
        counted.append(True)
        return receive_data(self, data)

    monkeypatch.setattr(reader_module, "unmask", unmasking)
    monkeypatch.setattr(WsprotoEngine, "receive_data", receiving)
    return counted


@pytest.mark.parametrize("name", CROWDS)
def test_a_turn_ends_after_so_many_frames(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start, one, last, expected = CROWDS[name]
    counted = count_frames(monkeypatch)
    listener = Listener()
    reader = FrameReader(listener, LIMIT, Inflater(PLAIN, LIMIT))
    data = start + one * FRAMES + last
    turns = 0
    while reader.receive_data(data):
        assert reader.turn_over
        assert len(counted) == 256
        counted.clear()
        data = b""
        turns += 1
    assert not reader.turn_over
    assert turns in (3, 7)  # two thousand frames are twice as many
    assert not any(counted)
    assert listener.events == expected


def test_a_turn_that_ends_with_its_bytes_needs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = count_frames(monkeypatch)
    reader = FrameReader(Listener(), LIMIT, None)
    assert not reader.receive_data(frame(PING) * 256)
    assert not reader.receive_data(frame(PING) * 256)
    assert len(counted) == 512


def test_small_whole_messages_are_stopped_by_the_listener_alone() -> None:
    listener = Listener(full_after=700)
    reader = FrameReader(listener, LIMIT, None)
    assert reader.receive_data(text("x") * 1000)
    assert not reader.turn_over
    assert len(listener.events) == 700


def test_a_listener_that_stops_at_the_end_of_a_turn_is_asked() -> None:
    listener = Listener(full_after=256)
    reader = FrameReader(listener, LIMIT, None)
    assert reader.receive_data(frame(PING) * 255 + text("x" * 126) + text("z"))
    assert not reader.turn_over
    assert not reader.receive_data(b"")
    assert listener.events[255:] == ["x" * 126, "z"]


@pytest.mark.parametrize("rsv", [0, 4])
def test_only_a_frame_that_was_cut_is_read_by_wsproto(rsv: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of a compressed message."""
    counted = count_frames(monkeypatch)
    listener = Listener()
    reader = FrameReader(listener, LIMIT, Inflater(PLAIN, LIMIT))
    content = client_deflater(PLAIN).message("κόσμε".encode()) if rsv else "κόσμε".encode()
    first, *rest = (content[i : i + 2] for i in range(0, len(content), 2))
    start = frame(TEXT, first, fin=False, rsv=rsv)
    assert not reader.receive_data(start[:-1])
    assert not reader.receive_data(start[-1:])
    assert counted == [not rsv] * 2
    assert not reader.receive_data(b"".join(frame(CONTINUATION, part, fin=False) for part in rest))
    assert not reader.receive_data(frame(CONTINUATION))
    assert not any(counted[2:])
    assert listener.events == ["κόσμε"]


@pytest.mark.parametrize("rsv", [0, 4])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_endless_empty_fragments_end(opcode: int, rsv: int) -> None:
    inflater = Inflater(PLAIN, LIMIT)
    start, more = frame(opcode, fin=False, rsv=rsv), frame(CONTINUATION, fin=False)
    end = frame(CONTINUATION, b"\x00" if rsv else b"")
    content: Any = "" if opcode == TEXT else b""
    most = start + more * 999 + end
    assert read([most * 2], inflater=inflater) == Outcome([content] * 2, None)
    assert read([most, start + more * 1000], inflater=Inflater(PLAIN, LIMIT)) == Outcome([content], 1008)
    assert read([start, *[more] * 1000], inflater=Inflater(PLAIN, LIMIT)) == Outcome([], 1008)
    some = frame(CONTINUATION, EMPTY_BLOCK if rsv else b"x", fin=False)
    assert read([start + (some + more) * 1000], inflater=Inflater(PLAIN, LIMIT)) == Outcome([], 1008)


# -- compressed messages (sections 12 and 13, and RFC 7692) ------------------------------------------------------------

PARAMETERS = tuple(
    DeflateParameters(server, client, bits, bits)
    for server, client, bits in itertools.product((False, True), (False, True), (9, 12, 15))
)


def client_deflater(parameters: DeflateParameters) -> Deflater:
    """What a client compresses with: our own with the sides exchanged."""
    return Deflater(DeflateParameters(parameters.client_no_context_takeover, False, parameters.client_window_bits, 15))


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("size", [0, 1, 16, 125, 126, 1000, 65536])
def test_compressed_messages(parameters: DeflateParameters, size: int) -> None:
    deflater = client_deflater(parameters)
    content = "".join(chr(ord("a") + i * i % 26) for i in range(size))
    wire = b"".join(frame(TEXT, deflater.message(content.encode()), rsv=4) for _ in range(3)) + text("plain")
    check(wire, [content] * 3 + ["plain"], None, deflate=parameters)


@pytest.mark.parametrize("fragments", [2, 3, 10])
def test_compressed_fragments_with_control_frames_between(fragments: int) -> None:
    deflater = client_deflater(PLAIN)
    wire = b""
    for _ in range(2):
        data = deflater.message(b"Hello, compressed world! " * 20)
        cuts = [len(data) * i // fragments for i in range(fragments + 1)]
        parts = [data[start:end] for start, end in itertools.pairwise(cuts)]
        for i, part in enumerate(parts):
            wire += frame(CONTINUATION if i else BINARY, part, fin=i == len(parts) - 1, rsv=0 if i else 4)
            wire += frame(PING, b"!")
    events = [("ping", b"!")] * (fragments - 1) + [b"Hello, compressed world! " * 20, ("ping", b"!")]
    check(wire, events * 2, None, deflate=PLAIN)


RFC_7692: dict[str, tuple[bytes, list[Any]]] = {
    "7.2.3.1 one block": (frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4), ["Hello"]),
    "7.2.3.1 two fragments": (
        frame(TEXT, b"\xf2\x48\xcd", rsv=4, fin=False) + frame(CONTINUATION, b"\xc9\xc9\x07\x00"),
        ["Hello"],
    ),
    "7.2.3.2 the window of the message before": (
        frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4) + frame(TEXT, b"\xf2\x00\x11\x00\x00", rsv=4),
        ["Hello", "Hello"],
    ),
    "7.2.3.3 a block without compression": (
        frame(TEXT, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", rsv=4),
        ["Hello"],
    ),
    "7.2.3.4 a final block": (frame(TEXT, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", rsv=4) * 2, ["Hello", "Hello"]),
    "7.2.3.5 two blocks": (frame(TEXT, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", rsv=4), ["Hello"]),
    "7.2.3.6 an empty message": (frame(TEXT, b"\x00", rsv=4), [""]),
}


@pytest.mark.parametrize("name", RFC_7692)
def test_the_examples_of_the_standard(name: str) -> None:
    wire, events = RFC_7692[name]
    check(wire, events, None, deflate=PLAIN)


BROKEN: dict[str, tuple[bytes, int]] = {
    "no compressed data": (frame(TEXT, b"\xff\xff\xff\xff", rsv=4), 1007),
    "text that is not UTF-8": (frame(TEXT, client_deflater(PLAIN).message(b"good \xff"), rsv=4), 1007),
    "a continuation with the bit": (
        frame(TEXT, b"\xf2\x48\xcd", rsv=4, fin=False) + frame(CONTINUATION, b"\xc9\xc9\x07\x00", rsv=4),
        1002,
    ),
    "a continuation of nothing": (frame(CONTINUATION, b"\xff\xff", fin=False), 1002),
    "a ping with the bit": (frame(PING, b"", rsv=4), 1002),
    "a close with the bit": (frame(CLOSE, b"", rsv=4), 1002),
    "another bit": (frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=6), 1002),
    "data after the final block": (frame(TEXT, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x01\x02", rsv=4), 1007),
    "a distance beyond the beginning": (frame(TEXT, b"\xf2\x00\x11\x00\x00", rsv=4), 1007),
}


@pytest.mark.parametrize("name", BROKEN)
def test_compressed_messages_that_are_broken(name: str) -> None:
    wire, code = BROKEN[name]
    check(wire, [], code, deflate=PLAIN)


def test_a_continuation_of_nothing_is_not_inflated() -> None:
    """In pieces it once was taken for the rest of the compressed message before it."""
    whole = frame(BINARY, b"\x4b\x4c\x4a\x06\x00", rsv=4)
    check(whole + frame(CONTINUATION, b"\xff\x9a\x01\x00\x00", fin=False), [b"abc"], 1002, deflate=PLAIN)
    check(whole + frame(CONTINUATION, b"\xff\x9a\x01\x00\x00"), [b"abc"], 1002, deflate=PLAIN)


@pytest.mark.parametrize("fragment", [10, 1000, 10**9])
def test_a_bomb_stops_at_the_limit(fragment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = client_deflater(PLAIN).message(b"\0" * 50_000_000)
    assert len(bomb) < LIMIT
    largest = 0
    go_on = Inflater._go_on

    def measured(self: Inflater, *args: Any, **more: Any) -> bytes:
        nonlocal largest
        content = go_on(self, *args, **more)
        largest = max(largest, len(content))
        return content

    monkeypatch.setattr(Inflater, "_go_on", measured)
    parts = [bomb[i : i + fragment] for i in range(0, len(bomb), fragment)]
    wire = [
        frame(CONTINUATION if i else BINARY, part, fin=i == len(parts) - 1, rsv=0 if i else 4)
        for i, part in enumerate(parts)
    ]
    assert read(wire, inflater=Inflater(PLAIN, LIMIT)) == Outcome([], 1009)
    assert largest <= LIMIT


def test_the_limit_after_decompression_is_exact() -> None:
    for size, code in ((LIMIT, None), (LIMIT + 1, 1009)):
        data = client_deflater(PLAIN).message(b"x" * size)
        assert read([frame(BINARY, data, rsv=4)], inflater=Inflater(PLAIN, LIMIT)).code == code
        assert (
            read(
                [frame(BINARY, data[:9], rsv=4, fin=False), frame(CONTINUATION, data[9:])],
                inflater=Inflater(PLAIN, LIMIT),
            ).code
            == code
        )


# -- messages that become large --------------------------------------------------------------------------------------

LARGE = 1 << 21
NOISE = random.Random(1).randbytes(500_000)


def bomb(size: int, opcode: int = BINARY) -> bytes:
    return frame(opcode, Deflater(PLAIN).message(bytes(size)), rsv=4)


@pytest.mark.parametrize("kind", [BINARY, TEXT])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_message_that_becomes_large_is_made_in_turns(kind: int, at_once: bool) -> None:
    listener = Listener()
    reader = FrameReader(listener, LARGE, Inflater(PLAIN, LARGE))
    wire = bomb(LARGE, kind) + text("next")
    stopped = reader.receive_data(wire if at_once else wire[:-1])
    turns = 0
    while stopped:
        assert reader.turn_over
        assert listener.events == []
        turns += 1
        stopped = reader.receive_data(b"")
    if not at_once:
        assert not reader.receive_data(wire[-1:])
    assert turns >= LARGE // 131_072 - 1
    assert listener.events == [bytes(LARGE) if kind == BINARY else "\0" * LARGE, "next"]


def large_text(size: int) -> str:
    """So many bytes of UTF-8, in letters that no fragment is aligned with."""
    return "x" * (size % 3) + "€" * (size // 3)


def in_fragments(opcode: int, payload: bytes, fragment: int, rsv: int = 0) -> bytes:
    parts = [payload[start : start + fragment] for start in range(0, len(payload), fragment)]
    last = len(parts) - 1
    return b"".join(
        frame(CONTINUATION if i else opcode, part, fin=i == last, rsv=0 if i else rsv) for i, part in enumerate(parts)
    )


LARGE_MESSAGES: dict[str, tuple[bytes, Any, int]] = {
    # What comes, what it becomes, and the turns of 131,072 bytes that it takes at the least.
    "compressed zeros in two": (in_fragments(BINARY, Deflater(PLAIN).message(bytes(LARGE)), 1500, 4), bytes(LARGE), 16),
    "compressed zeros in many": (in_fragments(BINARY, Deflater(PLAIN).message(bytes(LARGE)), 9, 4), bytes(LARGE), 16),
    "compressed noise": (in_fragments(BINARY, Deflater(PLAIN).message(NOISE), 50_000, 4), NOISE, 3),
    "compressed noise in one frame": (frame(BINARY, Deflater(PLAIN).message(NOISE), rsv=4), NOISE, 3),
    "compressed text": (
        in_fragments(TEXT, Deflater(PLAIN).message(large_text(LARGE).encode()), 1000, 4),
        large_text(LARGE),
        16,
    ),
    "text": (in_fragments(TEXT, large_text(LARGE).encode(), 100_000), large_text(LARGE), 16),
    "text in one frame": (frame(TEXT, large_text(LARGE).encode()), large_text(LARGE), 16),
}


@pytest.mark.parametrize("chop", [70, 65_536, 1 << 30])
@pytest.mark.parametrize("name", LARGE_MESSAGES)
def test_a_large_message_is_made_in_turns_however_it_came(name: str, chop: int) -> None:
    wire, expected, least = LARGE_MESSAGES[name]
    if name == "text in one frame" and chop > len(wire):
        pytest.skip("no read is so large")
    listener = Listener()
    reader = FrameReader(listener, LARGE, Inflater(PLAIN, LARGE))
    wire = (wire + frame(PING, b"!")) * 2  # the second is compressed as the first was, and refers to nothing
    step = chop if len(wire) // chop < 500 else 4096
    turns: list[str] = []
    for start in range(0, len(wire), step):
        while reader.receive_data(wire[start : start + step] if not turns or turns[-1] == "over" else b""):
            assert reader.turn_over
            turns.append("within")
        turns.append("over")
    assert turns.count("within") >= 2 * (least - 1)
    assert listener.events == [expected, ("ping", b"!")] * 2


def test_text_that_is_wrong_at_its_end_is_refused_in_its_turn() -> None:
    for wire in (
        in_fragments(TEXT, Deflater(PLAIN).message(b"x" * (LARGE - 1) + b"\xff"), 700, 4),
        in_fragments(TEXT, Deflater(PLAIN).message(b"x" * (LARGE - 1) + b"\xc3"), 700, 4),
    ):
        assert read([wire], limit=LARGE, inflater=Inflater(PLAIN, LARGE)) == Outcome([], 1007)


def test_a_message_in_fragments_that_becomes_too_large_is_refused_in_its_turn() -> None:
    wire = in_fragments(BINARY, Deflater(PLAIN).message(bytes(LARGE + 1)), 700, 4)
    assert read([wire], limit=LARGE, inflater=Inflater(PLAIN, LARGE)) == Outcome([], 1009)
    assert read([wire[:-1]], limit=LARGE, inflater=Inflater(PLAIN, LARGE)) == Outcome([], None)


def test_what_is_made_of_small_messages_counts_for_the_turn() -> None:
    """A few bytes become many, a message at a time."""
    one = frame(BINARY, Deflater(DeflateParameters(server_no_context_takeover=True)).message(bytes(60_000)), rsv=4)
    listener = Listener()
    reader = FrameReader(listener, LIMIT, Inflater(PLAIN, LIMIT))
    assert reader.receive_data(one * 100)
    assert reader.turn_over
    assert len(listener.events) == 18  # 256 frames are a turn here, and each of these is as 15 of them


def test_what_comes_while_it_is_made_is_behind_it() -> None:
    listener = Listener()
    reader = FrameReader(listener, LARGE, Inflater(PLAIN, LARGE))
    assert reader.receive_data(bomb(LARGE))
    for letter in "abc":
        reader.keep(text(letter))
    while reader.receive_data(b""):
        pass
    assert listener.events == [bytes(LARGE), "a", "b", "c"]


def test_a_listener_that_is_full_with_it_is_asked() -> None:
    listener = Listener(full_after=1)
    reader = FrameReader(listener, LARGE, Inflater(PLAIN, LARGE))
    stopped = reader.receive_data(bomb(LARGE) + text("next"))
    while stopped and reader.turn_over:
        stopped = reader.receive_data(b"")
    assert stopped  # by the listener
    assert listener.events == [bytes(LARGE)]
    reader.receive_data(b"")
    assert listener.events == [bytes(LARGE), "next"]


def test_a_message_that_becomes_too_large_is_refused_in_its_turn() -> None:
    reader = FrameReader(Listener(), LARGE, Inflater(PLAIN, LARGE))
    assert reader.receive_data(bomb(LARGE + 1))

    def to_the_end() -> None:
        while reader.receive_data(b""):
            pass

    with pytest.raises(ConversationFailed) as caught:
        to_the_end()
    assert caught.value.code == 1009


@pytest.mark.parametrize("cut", [None, -1])
def test_a_reader_that_lets_go_holds_nothing(cut: int | None) -> None:
    """In the midst of making a message, and of collecting one."""
    reader = FrameReader(Listener(), LARGE, Inflater(PLAIN, LARGE))
    reader.receive_data(bomb(LARGE)[:cut])
    assert reader._making or reader._pile
    reader.let_go()
    assert not reader.receive_data(text("more"))
    held = [getattr(reader, name) for name in ("_rest", "_making", "_pile", "_inflater", "_engine")]
    assert not any(held)
