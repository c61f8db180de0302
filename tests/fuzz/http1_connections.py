"""Whole HTTP/1.1 connections: mutated requests, applications that answer in every way, clients that stop anywhere.

The first four bytes of an input are the seed of what happens besides its requests: which ways the application answers
in, where the bytes are cut, how much the client reads when, how much time passes, and whether it ends its side, resets
the connection or the server begins to stop on the way.

- Nothing comes out of the connection or into the loop, and nothing out of `send()` or `receive()` that is not ours.
- The requests that are called are the first ones of the input, in order, each once, with the body that was sent.
- A strict client finds one answer for each call, and at most one more, a refusal; what the application sent is what
  came; nothing follows an answer that closes.
- A connection that stays open has called everything; one that is over leaves no request, task, place or deadline.
- With applications that read the whole request first: the same calls and the same answers however the bytes are cut.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from pounce_asgi.scope import build_http_scope
from pounce_http1 import RequestReader
from pounce_http1.h11_engine import H11RequestReader
from pounce_http1.testing import observe
from tests.fuzz.answers import AnswerSeen, read_answers
from tests.fuzz.applications import READING, ManyWays
from tests.fuzz.doubles import turns
from tests.fuzz.http1_requests import DICTIONARY, SEEDS
from tests.fuzz.server import FuzzedServer, serve
from tests.fuzz.target import Target, cut

if TYPE_CHECKING:
    from pounce_http1.testing import Outcome

__all__ = ["HTTP1_CONNECTIONS"]

_SEED = 4
_PREFACE = b"PRI * HTTP/2.0\r\n"


class Conversation:
    """One connection of a client with a mind of its own."""

    def __init__(self, chance: random.Random, engine: str, app: ManyWays) -> None:
        self.chance = chance
        self.app = app
        self.server = FuzzedServer(app, engine=engine)
        self.sent = b""
        self.finished = self.reset = self.stopping = self.waited = False

    async def speak(self, pieces: list[bytes]) -> None:
        """Send all of it, and do what else comes to mind between."""
        end = self.chance.choice(("stay", "stay", "finish", "finish", "reset"))
        last = self.chance.randint(0, len(pieces)) if self.chance.random() < 0.3 else len(pieces)
        stops = self.chance.random() < 0.05
        for piece in pieces[:last]:
            transport = self.server.transport
            if transport.lost or transport.error is not None:
                break
            self.sent += piece
            await self.server.send(piece, self.chance.randint(0, 4))
            await self._meanwhile()
            if stops and self.chance.random() < 0.3:
                self.stopping = True
                self.server.wire.begin_drain()
        if end == "finish":
            self.finished = True
            self.server.transport.client_finishes()
        elif end == "reset":
            self.reset = True

    async def _meanwhile(self) -> None:
        match self.chance.randrange(8):
            case 0:
                self.server.read(self.chance.choice((1, 1000, 30_000, 100_000)))
            case 1:
                await turns(5)
            case 2 if self.chance.random() < 0.2:
                self.waited = True
                await self.server.pass_time(self.chance.choice((3, 30, 70)))

    async def end(self) -> None:
        """Read what there is, unless it is reset; then go."""
        if not self.reset:
            await self.server.settle()
        await self._judge()
        await self.server.gone()
        assert not self.app.faults, self.app.faults
        for call in self.app.calls:
            assert call.over, f"{call.way} was left behind"

    async def _judge(self) -> None:
        if self.sent.startswith(_PREFACE):
            return  # that is HTTP/2
        reader = RequestReader() if self.server.wire._reader is RequestReader else H11RequestReader()
        outcome = observe(reader, [self.sent])
        upgrade = next((index for index, head in enumerate(outcome.heads) if head.fields.upgrade), len(outcome.heads))
        calls = _judge_calls(self, outcome, upgrade)
        transport = self.server.transport
        if self.reset:
            return
        ended = transport.finished and transport.error is None
        answers = _answers(self, outcome, calls, ended=ended, upgraded=upgrade < len(outcome.heads))
        if answers is None:
            return
        _judge_answers(self, outcome, calls, answers)
        if not transport.closing and all(call.over for call in self.app.calls):
            assert outcome.error is None, f"still open after {outcome.error}"
            assert upgrade < len(outcome.heads) or calls == len(outcome.heads), "a request was not answered"
            assert not self.finished, "still open after the client's end"


def _judge_calls(talk: Conversation, outcome: Outcome, upgrade: int) -> int:
    """How many requests were called; each must be that of the input. Not of what another protocol carries."""
    calls = talk.app.calls[:upgrade]
    if upgrade == len(outcome.heads):
        assert len(talk.app.calls) <= len(outcome.heads), "more calls than requests"
    for call, head, request in zip(calls, outcome.heads, outcome.requests, strict=False):
        scope = build_http_scope(head, talk.server.wire.context, talk.server.connection.peer)
        assert (call.kind, call.method) == ("http", scope["method"])
        assert call.target.split(b"?")[0] == scope["raw_path"]
        assert call.headers == list(scope["headers"])
        body = request.body or b""
        assert body.startswith(call.body), "another body"
        if call.read:
            assert request.complete, "a body that was cut off looks complete"
            assert call.body == body
    return len(calls)


def _answers(
    talk: Conversation, outcome: Outcome, calls: int, *, ended: bool, upgraded: bool
) -> list[AnswerSeen] | None:
    """None where the connection went on as something else."""
    data = talk.server.received
    methods = [call.method for call in talk.app.calls[:calls]]
    if upgraded and len(talk.app.calls) >= calls:
        return None
    # What is refused is answered for its method, if that was read before it was refused.
    refused = [outcome.heads[calls].method] if calls < len(outcome.heads) else []
    try:
        return read_answers(data, [*methods, *(refused or ["GET"])], ended=ended)
    except AssertionError:
        if not refused or refused == ["GET"]:
            raise
        return read_answers(data, [*methods, "GET"], ended=ended)


def _judge_answers(talk: Conversation, outcome: Outcome, calls: int, answers: list[AnswerSeen]) -> None:
    transport = talk.server.transport
    assert len(answers) <= calls + 1
    for call, head, answer in zip(talk.app.calls, outcome.heads, answers, strict=False):
        if head.http_version == "1.0":
            assert b"transfer-encoding" not in answer.headers
            assert not answer.interim
        if not call.answered:
            assert answer.status >= 400 or not answer.complete or not call.over or call.status, call
            assert not answer.complete or answer.status != call.status or _has_no_body(call, answer), call
        elif not transport.error or answer.complete:
            assert answer.complete, f"{call.way} is cut off"
            assert answer.status == call.status, call
            assert answer.body == (b"" if _has_no_body(call, answer) else call.sent), call.way
    for call in talk.app.calls[len(answers) : calls]:
        assert not call.answered or transport.error, f"{call.way} is not there"
    for answer in answers[calls:]:
        assert answer.status >= 400
        assert answer.headers.get(b"connection") == b"close" or not answer.complete


def _has_no_body(call: Any, answer: AnswerSeen) -> bool:
    return call.method == "HEAD" or answer.status in (204, 304)


async def _read_all_first(seed: bytes, engine: str, pieces: list[bytes]) -> list[Any]:
    app = ManyWays(random.Random(seed), READING)
    server = FuzzedServer(app, engine=engine)
    for piece in pieces:
        await server.send(piece, 1)
        server.read()
    await server.settle()
    # Of a body that is refused the application may have had a piece, or has not been called.
    whole = [call for call in app.calls if call.read or call.kind != "http"]
    seen = [(call.kind, call.method, call.target, call.headers, call.body) for call in whole]
    received, closed = server.received, server.transport.closing
    await server.gone()
    assert not app.faults, app.faults
    # A refusal says in words what was seen first, which differs; and who has a body already is not asked for it.
    return [seen, re.findall(rb"(?m)^HTTP/1.1 ([2-5]\d+)", received), closed]


def _check(data: bytes) -> None:
    seed, wire = data[:_SEED], data[_SEED:]
    chance = random.Random(seed)
    engine = "h11" if chance.random() < 0.25 else "fast"

    async def scenario() -> None:
        talk = Conversation(chance, engine, ManyWays(chance))
        await talk.speak(cut(wire, chance, 8))
        await talk.end()
        if chance.random() < 0.5 and not wire.startswith(_PREFACE[:3]):
            whole = await _read_all_first(seed, engine, [wire])
            pieces = cut(wire, chance)
            assert await _read_all_first(seed, engine, pieces) == whole, pieces

    serve(scenario)


def _seeds() -> tuple[bytes, ...]:
    get = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    post = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    chunked = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    expect = b"POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
    old = b"GET /o HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    websocket = (
        b"GET /w HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n\x81\x81\0\0\0\0a"
    )
    h2c = (
        b"GET /h HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n"
    )
    wires = (
        *(get % 1 + get % 2 + get % 3, post % 1 + post % 2, chunked + get % 1, expect + get % 1, old * 2),
        *(post % 1 + chunked + b"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n", websocket, get % 1 + h2c, get % 1 * 40),
        post % 1 + b"GET / HTTP/1.1\r\n\r\n",
        *((post % 1)[:-2], chunked[:-5], chunked.replace(b"\r\n0", b"\n0"), get % 1 + chunked[:-12] + b"x"),
    )
    numbered = [index.to_bytes(_SEED, "big") + wire for wire in wires for index in range(5)]
    return (*numbered, *(b"%04d" % index + wire for index, wire in enumerate(SEEDS[::7])))


HTTP1_CONNECTIONS = Target(
    name="http1-connection",
    promises="each request is called once, in order, and answered once; a strict client reads it; nothing is left",
    check=_check,
    seeds=_seeds(),
    dictionary=DICTIONARY,
    modules=("pounce_workers/serving", "pounce_asgi", "pounce_http1"),
    rounds=300,
)
