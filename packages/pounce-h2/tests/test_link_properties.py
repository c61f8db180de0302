"""Two machines over a link that splits, delays and resets: every stream that lives gets its answer."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from h2.settings import SettingCodes
from h2_doubles import GET, Conversation, converse, read_body, turns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sizes = st.sampled_from([0, 1, 100, 16_384, 16_385, 70_000])
requests = st.lists(
    st.fixed_dictionaries(
        {
            "upload": st.none() | sizes,
            "download": sizes,
            "pieces": st.integers(1, 5),
            "priority": st.sampled_from([None, b"u=0", b"u=5, i", b"u=3, i=?0"]),
            "leaves": st.booleans(),
            "sleeps": st.booleans(),
        }
    ),
    min_size=1,
    max_size=8,
)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads all of a body, and answers with so many bytes in so many pieces as the path says."""
    _, download, pieces, sleeps = scope["path"].split("/")
    try:
        body = await read_body(receive)
    except ConnectionError:
        return
    if sleeps == "1":
        await asyncio.sleep(0)
    size = int(download)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-got", b"%d" % len(body))]})
    try:
        for _ in range(int(pieces)):
            if sleeps == "1":
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
    except OSError:
        return
    await send({"type": "http.response.body", "body": b"!"})


class Link:
    """Carries bytes in pieces, as late as it is told to."""

    def __init__(self, talk: Conversation, chance: random.Random) -> None:
        self.talk = talk
        self.chance = chance
        self.to_server = b""

    async def step(self) -> bool:
        """Move something in one of the directions. False when there is nothing anywhere."""
        self.to_server += self.talk.client.data_to_send()
        unread = len(self.talk.transport.written) - self.talk._read
        if not self.to_server and not unread:
            await turns(30)  # applications may still be at it
            return len(self.talk.transport.written) > self.talk._read
        size = self.chance.choice([9, 500, 5000, 65_536, 1_000_000])
        if unread and (not self.to_server or self.chance.random() < 0.5):
            self.talk.transport.room = self.talk._read + min(size, unread)
            self.talk.listen()
            self.talk.transport.room = float("inf")
        elif self.to_server:
            piece, self.to_server = self.to_server[:size], self.to_server[size:]
            self.talk.connection.data_received(piece)
        await turns(self.chance.randrange(4))
        return True


async def run(plan: list[dict[str, Any]], chance: random.Random) -> None:
    window = chance.choice([0, 1000, 65_535, 1_000_000])
    talk = Conversation(app, client_settings={SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.ENABLE_PUSH: 0})
    link = Link(talk, chance)
    uploads: dict[int, bytes] = {}
    asked: dict[int, dict[str, Any]] = {}
    left: set[int] = set()
    for request in plan:
        path = b"/%d/%d/%d" % (request["download"], request["pieces"], request["sleeps"])
        fields = [(b":method", b"POST"), GET[1], (b":path", path), GET[3]]
        if request["priority"]:
            fields.append((b"priority", request["priority"]))
        stream = talk.begin(fields, end=request["upload"] is None)
        asked[stream] = request
        if request["upload"] is not None:
            uploads[stream] = bytes(request["upload"])
    for _ in range(20_000):
        for stream in list(uploads):
            send_some(talk, uploads, stream)
        moved = await link.step()
        for stream in asked:
            answer = talk.answer(stream)
            if asked[stream]["leaves"] and stream not in left and len(answer.body) > 1000 and not answer.ended:
                left.add(stream)
                uploads.pop(stream, None)
                talk.client.reset_stream(stream, 8)
            elif window == 0 and not answer.ended and stream not in left and answer.status:
                window = 65_535
                talk.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        if not moved and not uploads and not talk.client._data_to_send:
            break
    for stream, request in asked.items():
        answer = talk.answer(stream)
        if stream in left:
            continue
        assert answer.ended, (stream, answer)
        assert answer.reset is None
        assert dict(answer.fields)[b"x-got"] == b"%d" % (request["upload"] or 0)
        assert answer.body == bytes(request["download"] * request["pieces"]) + b"!"
    connection = talk.connection
    assert connection.idle
    assert not connection.scheduler
    assert connection._unread == 0
    assert connection._owed == 0
    assert not talk.goaways
    assert not talk.host.refused
    assert not connection.engine._streams  # type: ignore[attr-defined]


def send_some(talk: Conversation, uploads: dict[int, bytes], stream: int) -> None:
    room = min(talk.client.local_flow_control_window(stream), talk.client.max_outbound_frame_size)
    body = uploads[stream]
    if body and room <= 0:
        return
    talk.client.send_data(stream, body[:room], end_stream=len(body) <= room)
    if len(body) <= room:
        del uploads[stream]
    else:
        uploads[stream] = body[room:]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests, st.integers(0, 2**32))
def test_every_stream_that_lives_gets_its_answer(plan: list[dict[str, Any]], seed: int) -> None:
    converse(lambda: run(plan, random.Random(seed)))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes(noise: bytes, after_preface: bool) -> None:
    """Never an exception; the connection ends, or waits for more."""

    async def scenario() -> None:
        talk = Conversation(raw=True)
        start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" if after_preface else b""
        for byte in start + noise:
            if not talk.transport.closing:
                talk.connection.data_received(bytes([byte]))
        await turns()
        talk.connection.begin_drain()
        talk.transport.lose(None)
        await turns()
        assert not talk.connection.streams
        assert not talk.host.watched

    converse(scenario)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 99]),
            st.sampled_from([0, 1, 4, 5, 8, 0x20, 0x2D]),
            st.sampled_from([0, 1, 1, 1, 3, 2]),
            st.sampled_from([b"", b"\0\0\0\1", b"\0\0\0\0\0", bytes(8), b"\x82\x86\x84\x41\x01x", b"\0\3\0\0\0\1"]),
        ),
        max_size=12,
    ),
    st.integers(1, 50),
)
def test_any_frames(frames: list[tuple[int, int, int, bytes]], cut: int) -> None:
    """Whatever frames come in whatever order, cut anywhere: the same end as when they come one by one."""

    async def ends(wire: bytes, size: int) -> tuple[bool, list[int]]:
        talk = Conversation(raw=True)
        for start in range(0, len(wire), size):
            if not talk.transport.closing:
                talk.connection.data_received(wire[start : start + size])
                await turns(4)
        talk.transport.lose(None)
        await turns()
        return talk.transport.closing, [one.error_code for one in talk.frames() if one.type == 7]  # type: ignore[attr-defined]

    async def scenario() -> None:
        from frame_cases import frame

        wire = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
        wire += b"".join(frame(*parts) for parts in frames)
        assert (await ends(wire, cut))[0] == (await ends(wire, 1))[0]

    converse(scenario)
