"""Whole HTTP/2 connections: mutated frames, applications that answer in every way, clients that stop anywhere.

The first four bytes of an input are the seed of what happens besides its frames (see `http1_connections`); the rest is
a script of frames, as for the target ``http2``.

- Nothing comes out of the connection or into the loop, and nothing out of `send()` or `receive()` that is not ours.
- A stream is called at most once, with the fields and the body that were sent.
- A strict client finds at most one answer on each stream, the one that was sent, and none on another; and it is whole,
  unless the stream was reset, the connection ended or the client kept its windows small.
- A connection that is over leaves no stream, request, task or deadline.
- With applications that read the whole request first: the same calls and the same answers however the bytes are cut.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
import h2.settings

from tests.fuzz.applications import READING, ManyWays
from tests.fuzz.doubles import double, turns
from tests.fuzz.http2_frames import HTTP2_FRAMES, frames_of, wire_of
from tests.fuzz.server import FuzzedServer, serve
from tests.fuzz.target import Target, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fuzz.applications import Call

__all__ = ["HTTP2_CONNECTIONS"]

CASES: Any = double("pounce-h2", "frame_cases")
_SEED = 4
_DATA, _HEADERS, _RESET, _SETTINGS, _GOAWAY, _WINDOW = 0, 1, 3, 4, 7, 8
_PREFACE_SIZE = 24
_LARGE = 2**31 - 1


@dataclass(slots=True)
class StreamSeen:
    """What the client got on one stream."""

    status: int = 0
    body: bytes = b""
    ended: bool = False
    reset: bool = False


def read_streams(sent: bytes, received: bytes) -> dict[int, StreamSeen]:
    """What h2's client makes of what came, after it asked for what the frames in ``sent`` ask for.

    Raises:
        h2.exceptions.ProtocolError: it is not HTTP/2, or it answers what was not asked.
    """
    config = h2.config.H2Configuration(client_side=True, header_encoding=None, validate_outbound_headers=False)
    client = h2.connection.H2Connection(config)
    client.local_settings.update({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _LARGE})
    client.local_settings.acknowledge()
    client.initiate_connection()
    client.increment_flow_control_window(_LARGE - 65_535)
    client.decoder.max_allowed_table_size = 1 << 20
    last = 0
    for kind, _, stream, _ in _frames(sent):
        if kind == _HEADERS and stream & 1 and stream > last:
            last = stream
            client.send_headers(stream, [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/")])
    seen: dict[int, StreamSeen] = {}
    for event in client.receive_data(received):
        one = seen.setdefault(getattr(event, "stream_id", None) or 0, StreamSeen())
        match event:
            case h2.events.ResponseReceived():
                assert not one.status, "a second answer"
                one.status = int(dict(event.headers or ())[b":status"])
            case h2.events.DataReceived():
                one.body += event.data or b""
            case h2.events.StreamEnded():
                one.ended = True
            case h2.events.StreamReset():
                one.reset = True
    return seen


def _frames(wire: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Kind, flags, stream and payload of the whole frames behind the preface."""
    position = _PREFACE_SIZE
    while position + 9 <= len(wire):
        length = int.from_bytes(wire[position : position + 3], "big")
        stream = int.from_bytes(wire[position + 5 : position + 9], "big") & _LARGE
        yield wire[position + 3], wire[position + 4], stream, wire[position + 9 : position + 9 + length]
        position += 9 + length


def _body_of(wire: bytes, stream: int) -> bytes:
    body = b""
    for kind, flags, of, payload in _frames(wire):
        if kind == _DATA and of == stream:
            body += payload[1 : len(payload) - payload[0]] if flags & 8 and payload else payload
    return body


class Conversation:
    """One connection of a client with a mind of its own."""

    def __init__(self, chance: random.Random, app: ManyWays) -> None:
        self.chance = chance
        self.app = app
        self.server = FuzzedServer(app, http2=True)
        self.sent = b""
        self.fields: dict[int, dict[bytes, bytes]] = {}
        connection = self.server.connection
        taken = connection.request_received

        def request_received(stream_id: int, fields: Any, ended: bool) -> None:
            assert stream_id not in self.fields, "a stream is a request twice"
            self.fields[stream_id] = {bytes(name): bytes(value) for name, value in fields}
            taken(stream_id, fields, ended)

        connection.request_received = request_received

    async def speak(self, pieces: list[bytes]) -> None:
        """Send all of it, and do what else comes to mind between."""
        last = self.chance.randint(0, len(pieces)) if self.chance.random() < 0.2 else len(pieces)
        for piece in pieces[:last]:
            transport = self.server.transport
            if transport.lost or transport.error is not None:
                break
            self.sent += piece
            await self.server.send(piece, self.chance.randint(0, 4))
            what = self.chance.randrange(10)
            if what < 2:
                self.server.read(self.chance.choice((1, 1000, 30_000, 100_000)))
            elif what == 2:
                await turns(5)
            elif what == 3 and self.chance.random() < 0.1:
                await self.server.pass_time(self.chance.choice((3, 30, 70)))

    async def end(self) -> None:
        """Read what there is, or go at once; judge both."""
        if self.chance.random() < 0.8:
            await self.server.settle()
            transport = self.server.transport
            if not transport.closing:
                for stream in (0, *(call.stream for call in self.app.calls if call.stream in self._open)):
                    await self.server.send(CASES.frame(_WINDOW, 0, stream, (400_000).to_bytes(4, "big")), 1)
            await self.server.settle()
            self._judge()
        await self.server.gone()
        assert not self.app.faults, self.app.faults
        for call in self.app.calls:
            assert call.over, f"{call.way} was left behind"

    @property
    def _open(self) -> set[int]:
        return set(self.server.connection.streams)

    def _judge(self) -> None:
        received = self.server.received
        kinds = [kind for kind, _ in frames_of(received)]
        assert _GOAWAY not in kinds or kinds.index(_GOAWAY) == len(kinds) - 1 or kinds.count(_GOAWAY) > 1
        seen = read_streams(self.sent, received)
        calls = self.app.calls
        assert len({call.stream for call in calls if call.kind == "http"}) == len(
            [call for call in calls if call.kind == "http"]
        ), "a stream is called twice"
        small = any(kind in (_SETTINGS, _WINDOW) and payload for kind, _, _, payload in _frames(self.sent))
        resets = {stream for kind, _, stream, _ in _frames(self.sent) if kind == _RESET}
        for call in calls:
            if call.kind == "http":
                self._judge_call(call)
                excused = small or call.stream in resets or self.server.transport.closing or _GOAWAY in kinds
                _judge_answer(call, seen.get(call.stream, StreamSeen()), excused=excused)

    def _judge_call(self, call: Call) -> None:
        fields = self.fields[call.stream]
        assert call.method.encode() == fields[b":method"]
        assert call.target.split(b"?")[0] in fields[b":path"]
        body = _body_of(self.sent, call.stream)
        assert body.startswith(call.body), "another body"


def _judge_answer(call: Call, seen: StreamSeen, *, excused: bool) -> None:
    if call.answered:
        whole = seen.ended and seen.status
        assert whole or seen.reset or excused, f"{call.way} is cut off"
        assert seen.status in (0, call.status) or (seen.reset and not seen.ended), call
        expected = b"" if call.method == "HEAD" or call.status in (204, 304) else call.sent
        if whole and seen.status == call.status:
            assert seen.body == expected, call.way
        else:
            assert expected.startswith(seen.body), call.way
    elif seen.ended and not seen.reset:
        assert seen.status >= 400, f"{call.way} looks like an answer"


@dataclass(slots=True)
class Reading:
    """What applications that read first have made of a connection."""

    calls: dict[int, Any]
    """By stream: those that read to the end."""
    resets: set[int]
    """Streams that either side has reset."""
    refused: set[int]
    """Streams that were answered without the application. What comes then is for a closed one."""
    end: bytes
    """The code of the GOAWAY."""


async def _read_all_first(seed: bytes, pieces: list[bytes]) -> Reading:
    app = ManyWays(random.Random(seed), {"reads_first": READING["reads_first"]})
    server = FuzzedServer(app, http2=True)
    for piece in pieces:
        await server.send(piece, 1)
        server.read()
    await server.settle()
    calls = {
        call.stream: (call.method, call.target, call.headers, call.body)
        for call in app.calls
        if call.read and call.kind == "http"
    }
    ours = list(_frames(bytes(_PREFACE_SIZE) + server.received))
    theirs = list(_frames(b"".join(pieces)))
    await server.gone()
    assert not app.faults, app.faults
    return Reading(
        calls,
        {stream for kind, _, stream, _ in (*ours, *theirs) if kind == _RESET},
        {stream for kind, _, stream, _ in ours if kind == _HEADERS} - {call.stream for call in app.calls},
        next((payload[4:8] for kind, _, _, payload in reversed(ours) if kind == _GOAWAY), b""),
    )


async def _compare(seed: bytes, wire: bytes, pieces: list[bytes]) -> None:
    whole, cut_up = await _read_all_first(seed, [wire]), await _read_all_first(seed, pieces)
    if whole.refused or cut_up.refused or whole.end or cut_up.end:
        return  # which cut off what was under way; for what comes on a stream that was answered has another end
    for stream in (whole.calls.keys() | cut_up.calls.keys()) - whole.resets - cut_up.resets:
        assert cut_up.calls.get(stream) == whole.calls.get(stream), pieces


def _check(data: bytes) -> None:
    seed, wire = data[:_SEED], wire_of(data[_SEED:])
    chance = random.Random(seed)

    async def scenario() -> None:
        talk = Conversation(chance, ManyWays(chance))
        await talk.speak(cut(wire, chance, 8))
        await talk.end()
        if chance.random() < 0.4:
            await _compare(seed, wire, cut(wire, chance))

    serve(scenario)


def _seeds() -> tuple[bytes, ...]:
    doubles: Any = double("pounce-h2", "h2_doubles")
    get = b"".join(CASES.headers(stream, doubles.GET) for stream in (1, 3, 5))
    post = (
        CASES.headers(1, doubles.POST, end=False) + CASES.frame(_DATA, 0, 1, b"hel") + CASES.frame(_DATA, 1, 1, b"lo")
    )
    both = post + CASES.headers(3, doubles.GET) + CASES.frame(_RESET, 0, 3, b"\0\0\0\x08")
    small = CASES.frame(_SETTINGS, 0, 0, b"\0\x04\0\0\0\x05") + get
    from tests.fuzz.http2_frames import script_of

    numbered = [
        index.to_bytes(_SEED, "big") + script_of(wire) for wire in (get, post, both, small) for index in range(8)
    ]
    return (*numbered, *(b"seed" + seed for seed in HTTP2_FRAMES.seeds[::4]))


HTTP2_CONNECTIONS = Target(
    name="http2-connection",
    promises="each stream is called once and answered once; a strict client reads it; nothing is left",
    check=_check,
    seeds=_seeds(),
    dictionary=HTTP2_FRAMES.dictionary,
    modules=("pounce_h2", "pounce_asgi"),
    rounds=200,
)
