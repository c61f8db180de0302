"""Attacks, each with its bound: the connection ends with ENHANCE_YOUR_CALM, and one line says why."""

# ruff: noqa: E501 - an attack is a line

from __future__ import annotations

import logging
from itertools import cycle
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest
from frame_cases import block, data, frame, headers
from h2_doubles import GET, POST, PREFACE, Conversation, converse, hello, turns
from hpack import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALM = 0xB
BEGIN = PREFACE + frame(4, 0, 0)


async def hang(scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def ids() -> Iterator[int]:
    return iter(range(1, 2**31, 2))


def repeated(*frames: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: cycle(frames)


def rapid_reset() -> Iterator[bytes]:
    """CVE-2023-44487: open and cancel at once, so that no limit of streams is ever reached."""
    for number in ids():
        yield headers(number) + frame(3, 0, number, pack(">L", 8))


def made_you_reset(fault: Callable[[int], bytes]) -> Callable[[], Iterator[bytes]]:
    """CVE-2025-8671: have the server cancel, by a fault of the stream alone."""

    def wire() -> Iterator[bytes]:
        for number in ids():
            yield headers(number, POST, end=False) + fault(number)

    return wire


def refused_streams() -> Iterator[bytes]:
    for number in ids():
        yield headers(number)


def opened_before(*frames: bytes) -> Callable[[], Iterator[bytes]]:
    def wire() -> Iterator[bytes]:
        yield headers(1, POST, end=False)
        yield from cycle(frames)

    return wire


def no_end_of_fields() -> Iterator[bytes]:
    yield frame(1, 1, 1, block(GET))
    yield from cycle([frame(9, 0, 1, block([(b"x", b"y" * 1000)]))])


def empty_continuations() -> Iterator[bytes]:
    yield frame(1, 1, 1, block(GET))
    yield from cycle([frame(9, 0, 1)])


def hpack_bomb() -> Iterator[bytes]:
    """One large field, put into the table, and named again and again by one byte."""
    encoder = Encoder()
    first = encoder.encode([*GET, (b"x", b"a" * 3900)])
    yield frame(1, 5, 1, first)
    again = encoder.encode([(b"x", b"a" * 3900)])
    assert len(again) == 1
    yield frame(1, 5, 3, block(GET) + again * 10_000)


# name, frames, application, most of them that are taken
FLOODS: list[tuple[str, Callable[[], Iterator[bytes]], Any, int]] = [
    ("ping", repeated(frame(6, 0, 0, b"12345678")), hello, 2001),
    ("ping-ack", repeated(frame(6, 1, 0, b"12345678")), hello, 2001),
    ("settings", repeated(frame(4, 0, 0)), hello, 201),
    ("settings-large", repeated(frame(4, 0, 0, pack(">HL", 4, 1000) * 2000)), hello, 201),
    ("settings-ack", repeated(frame(4, 1, 0)), hello, 2001),
    ("priority", repeated(frame(2, 0, 5, pack(">LB", 0, 1))), hello, 2001),
    ("priority-update", repeated(frame(0x10, 0, 0, pack(">L", 1) + b"u=1")), hello, 2001),
    ("unknown", repeated(frame(0x99, 0, 0, b"x")), hello, 2001),
    ("window-update", repeated(frame(8, 0, 0, pack(">L", 1))), hello, 2001),
    ("window-update-stream", opened_before(frame(8, 0, 1, pack(">L", 1))), hang, 2012),
    ("goaway", opened_before(frame(7, 0, 0, bytes(8))), hang, 202),
    ("empty-data", opened_before(data(1)), hang, 2012),
    ("padded-data", opened_before(frame(0, 8, 1, b"\x03\0\0\0")), hang, 2012),
    ("late-data", lambda: iter([headers(1, POST, end=False), frame(3, 0, 1, pack(">L", 8)), *[data(1)] * 5000]), hang, 2020),
    ("rapid-reset", rapid_reset, hang, 201),
    ("made-you-reset-window", made_you_reset(lambda n: frame(8, 0, n, pack(">L", 2**31 - 1))), hang, 201),
    ("made-you-reset-zero", made_you_reset(lambda n: frame(8, 0, n, pack(">L", 0))), hang, 201),
    ("made-you-reset-headers", made_you_reset(lambda n: headers(n, [(b"x", b"y")], end=False)), hang, 201),
    ("made-you-reset-malformed", lambda: (headers(n, [*GET, (b"X", b"y")]) for n in ids()), hello, 201),
    ("refused-streams", refused_streams, hang, 301),
    ("continuation", no_end_of_fields, hello, 200),
    ("continuation-empty", empty_continuations, hello, 66),
    ("hpack-bomb", hpack_bomb, hello, 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wire", "app", "most"), FLOODS, ids=[flood[0] for flood in FLOODS])
@pytest.mark.parametrize("at_once", [1, 50])
def test_floods(
    name: str,
    wire: Callable[[], Iterator[bytes]],
    app: Any,
    most: int,
    at_once: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "pounce.worker")

    async def scenario() -> None:
        talk = Conversation(app, raw=True)
        talk.connection.data_received(BEGIN)
        sent = 0
        frames = wire()
        while not talk.transport.closing and sent <= most + at_once:
            piece = b"".join(next(frames, b"") for _ in range(at_once))
            talk.connection.data_received(piece or frame(6, 0, 0, bytes(8)))
            sent += at_once
            if sent % 100 == 0:
                await turns(1)
        assert talk.transport.closing, f"{sent} were taken"
        await turns(20)
        last = [one for one in talk.frames() if one.type == 7][-1]
        assert last.error_code == CALM  # type: ignore[attr-defined]
        # One line for the end, and one for the first fault of a stream where that is what it does.
        assert [status for status, _ in talk.host.refused] == [0]
        assert talk.host.told == [True]
        faulty = name.startswith(("made-you-reset", "refused", "late-data"))
        lines = [one for one in caplog.messages if one.startswith("Reset an HTTP/2 stream of 192.0.2.7:51234: ")]
        assert len(lines) == faulty
        assert not talk.connection.streams
        # Nothing of it is kept, and what was answered is less than what was sent.
        assert talk.connection._unread == 0
        assert len(talk.transport.written) < 120_000

    converse(scenario)


def test_time_pays_for_chores() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(BEGIN)
        for _ in range(60):
            await talk.send(frame(6, 0, 0, bytes(8)) * 180)
            await talk.pass_time(1)
        assert not talk.transport.closing

    converse(scenario)


def test_work_pays_for_chores() -> None:
    """A client that grants a window for every frame of a large answer stays below."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(60_000_000)})

    async def scenario() -> None:
        talk = Conversation(app, raw=True)
        await talk.send(BEGIN, headers(1))
        seen = 0
        while talk.connection.streams:
            new = len(talk.transport.written) - seen
            seen += new
            assert new
            for _ in range(max(new // 16_384, 1)):
                talk.connection.data_received(frame(8, 0, 0, pack(">L", 16_384)) + frame(8, 0, 1, pack(">L", 16_384)))
            await turns(2)
        assert not talk.transport.closing

    converse(scenario)


def test_a_browser_that_leaves_a_page() -> None:
    async def scenario() -> None:
        talk = Conversation(hang, raw=True)
        await talk.send(BEGIN)
        await talk.send(b"".join(headers(number) for number in range(1, 200, 2)))
        await talk.send(b"".join(frame(3, 0, number, pack(">L", 8)) for number in range(1, 200, 2)))
        assert not talk.transport.closing
        assert talk.connection.idle

    converse(scenario)


def test_a_frame_is_refused_before_it_is_kept() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(BEGIN, b"\xff\xff\xff\0\0\0\0\0\1")
        assert talk.transport.closing

    converse(scenario)


def test_tiny_pieces_of_body_are_not_kept_for_ever() -> None:
    async def scenario() -> None:
        talk = Conversation(hang, raw=True)
        await talk.send(BEGIN, headers(1, POST, end=False))
        for _ in range(40):
            talk.connection.data_received(data(1, b"xy") * 1000)
        stream = talk.connection.streams.get(1)
        assert stream is None or len(stream.exchange.body._chunks) <= 512

    converse(scenario)


def test_answers_that_nobody_reads_do_not_fill_the_memory() -> None:
    """Heads wait for no window, so the socket's own back-pressure has to hold such a client."""

    async def scenario() -> None:
        talk = Conversation(raw=True)
        talk.transport.room = 0
        await talk.send(BEGIN)
        numbers = iter(range(1, 2**31, 2))
        fields = [(b":method", b"HEAD"), *GET[1:]]
        while not talk.transport.paused:
            assert len(talk.transport.written) < 300_000
            await talk.send(b"".join(headers(next(numbers), fields) for _ in range(20)))
        talk.transport.congested = False
        talk.transport.room = float("inf")
        talk.connection.writable()
        assert not talk.transport.paused
        await talk.send(headers(next(numbers), fields))
        assert not talk.transport.closing

    converse(scenario)
