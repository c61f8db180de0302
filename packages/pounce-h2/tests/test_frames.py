"""Tables of frames: what a server must make of everything that a client may send, whole and byte by byte."""

from __future__ import annotations

from typing import Any

import pytest
from frame_cases import CALM, CASES, FINE, SETTINGS, Case, Goaway, Reset, Status, frame, headers
from h2_doubles import PREFACE, Conversation, converse, echo, hello, turns
from hpack import Decoder
from hyperframe.frame import GoAwayFrame, HeadersFrame, RstStreamFrame


async def hang(scope: Any, receive: Any, send: Any) -> None:
    """Never answers."""
    while (await receive())["type"] != "http.disconnect":
        pass


APPS = {"hello": hello, "echo": echo, "hang": hang}


def feedings(case: Case) -> list[list[bytes]]:
    """The same bytes, whole, and in pieces of one byte where they are few."""
    wire = (PREFACE + frame(SETTINGS, 0, 0) if case.preface else b"") + case.wire
    pieces = [[wire], [wire[: len(wire) // 2], wire[len(wire) // 2 :]]]
    return [*pieces, [wire[i : i + 1] for i in range(len(wire))]] if len(wire) < 1500 else pieces


async def serve(case: Case, pieces: list[bytes]) -> Conversation:
    """Feed a connection. Frames that are sent while a request waits meet it waiting, in one piece or in many."""
    talk = Conversation(APPS[case.app], raw=True)
    for piece in pieces:
        if not talk.transport.closing:
            talk.connection.data_received(piece)
    await turns()
    if case.then:
        await talk.send(case.then)
    return talk


def outcome(talk: Conversation) -> tuple[dict[int, int], dict[int, int], list[GoAwayFrame]]:
    """Statuses and resets by stream, and the GOAWAYs."""
    decoder = Decoder()
    frames = talk.frames()
    statuses = {
        one.stream_id: int(dict(decoder.decode(one.data, raw=True))[b":status"])
        for one in frames
        if isinstance(one, HeadersFrame)
    }
    resets = {one.stream_id: one.error_code for one in frames if isinstance(one, RstStreamFrame)}
    return statuses, resets, [one for one in frames if isinstance(one, GoAwayFrame)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_frames(case: Case) -> None:
    async def scenario() -> None:
        for pieces in feedings(case):
            talk = await serve(case, pieces)
            statuses, resets, goaways = outcome(talk)
            match case.outcome:
                case Goaway(code):
                    assert [one.error_code for one in goaways] == [code]
                    assert talk.transport.closing
                    assert len(talk.host.refused) == 1
                    assert talk.host.told == [code == CALM]
                case Reset(stream, code):
                    assert resets.get(stream) == code
                    assert not goaways
                case Status(stream, status):
                    assert statuses.get(stream) == status
                    assert not goaways
                    assert resets.get(stream, 0) == 0
                case _:
                    assert case.outcome == FINE
                    assert not goaways
            if not isinstance(case.outcome, Goaway):
                await still_works(talk)
            talk.transport.lose(None)
            await turns()

    converse(scenario)


async def still_works(talk: Conversation) -> None:
    """The connection goes on."""
    talk.wire.context.app = hello
    talk.wire.push_context.app = hello
    last = talk.connection.engine.last_stream_id
    for stream_id in list(talk.connection.streams)[:1]:
        talk.connection.data_received(frame(3, 0, stream_id, b"\0\0\0\x08"))
    number = max(last + 2 - (last + 1) % 2, 301)
    talk.connection.data_received(headers(number))
    await turns()
    statuses, _, goaways = outcome(talk)
    assert statuses.get(number) == 200
    assert not goaways
