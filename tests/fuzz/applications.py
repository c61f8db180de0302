"""Applications that answer in every way there is: at once or late, whole or in pieces, with or without the body of the
request, wrongly, or not at all. Which way is drawn for each call; what each one saw and sent is kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pounce_asgi import ApplicationError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["READING", "Call", "ManyWays", "PlannedError"]


class PlannedError(Exception):
    """An application fails, as applications do."""


@dataclass(slots=True)
class Call:
    """One call of the application."""

    way: str
    chance: random.Random
    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    kind: str = "http"
    body: bytes = b""
    """What it read of the request."""
    read: bool = False
    """It read to the end."""
    status: int = 0
    """Of the answer that it began; 0 while there is none."""
    sent: bytes = b""
    """The body of the answer, as far as ``send()`` took it."""
    answered: bool = False
    """``send()`` took the last piece."""
    trailers: bool = False
    over: bool = False
    stream: int = 0
    """Of which it is, over HTTP/2."""


class Talk:
    """What an application has in its hands. What should not come out of ``receive()`` or ``send()`` is kept."""

    def __init__(self, call: Call, receive: Any, send: Any, faults: list[BaseException]) -> None:
        self.call = call
        self._receive, self._send, self._faults = receive, send, faults

    async def receive(self) -> Any:
        try:
            return await self._receive()
        except Exception as error:
            self._faults.append(error)
            raise

    async def send(self, message: Any) -> None:
        try:
            await self._send(message)
        except (ApplicationError, OSError):
            raise
        except Exception as error:
            self._faults.append(error)
            raise

    async def read(self) -> bool:
        """The whole body. False when the client has gone."""
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                return False
            self.call.body += message["body"]
            if not message["more_body"]:
                self.call.read = True
                return True

    async def start(self, status: int = 200, *headers: tuple[bytes, bytes], trailers: bool = False) -> None:
        await self.send(
            {"type": "http.response.start", "status": status, "headers": list(headers), "trailers": trailers}
        )
        self.call.status = status

    async def body(self, data: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})
        self.call.sent += data
        self.call.answered = not more

    async def whole(self, data: bytes, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
        await self.start(status, (b"content-length", b"%d" % len(data)), *headers)
        await self.body(data)

    async def turns(self) -> None:
        for _ in range(self.call.chance.randint(0, 4)):
            await asyncio.sleep(0)


# -- the ways --------------------------------------------------------------------------------------------------------


async def at_once(talk: Talk) -> None:
    await talk.whole(talk.call.target)


async def late(talk: Talk) -> None:
    await talk.turns()
    await talk.whole(b"late")


async def empty(talk: Talk) -> None:
    await talk.start(talk.call.chance.choice((200, 204, 304)))
    await talk.body(b"")


async def in_pieces(talk: Talk) -> None:
    await talk.start()
    for _ in range(talk.call.chance.randint(1, 4)):
        await talk.turns()
        await talk.body(b"x" * talk.call.chance.choice((0, 1, 20, 20_000)), more=True)
    await talk.body(b"")


async def long(talk: Talk) -> None:
    """More than waits for a client that does not read."""
    size = 30_000
    await talk.start(200, (b"content-length", b"%d" % (5 * size)))
    for index in range(5):
        await talk.body(b"%d" % index * size, more=index < 4)


async def with_trailers(talk: Talk) -> None:
    await talk.start(200, trailers=True)
    talk.call.trailers = True
    await talk.body(b"before trailers")
    talk.call.answered = False
    await talk.send({"type": "http.response.trailers", "headers": [(b"x-end", b"yes")], "more_trailers": False})
    talk.call.answered = True


async def closing(talk: Talk) -> None:
    await talk.whole(b"last", 200, (b"connection", b"close"))


async def reads_first(talk: Talk) -> None:
    if await talk.read():
        await talk.whole(talk.call.body)


async def reads_slowly(talk: Talk) -> None:
    await talk.turns()
    await reads_first(talk)


async def echoes(talk: Talk) -> None:
    """The head of the answer before the body of the request is read."""
    await talk.start()
    while True:
        message = await talk.receive()
        if message["type"] != "http.request":
            return
        talk.call.body += message["body"]
        await talk.body(message["body"], more=message["more_body"])
        if not message["more_body"]:
            talk.call.read = True
            return


async def answers_then_reads(talk: Talk) -> None:
    await talk.whole(b"first")
    await talk.read()


async def waits_for_the_end(talk: Talk) -> None:
    """Answers, and stays until its client has gone or its answer has."""
    await talk.whole(b"and stays")
    while (await talk.receive())["type"] != "http.disconnect":
        pass


async def never_answers(talk: Talk) -> None:
    while (await talk.receive())["type"] != "http.disconnect":
        pass


async def fails(talk: Talk) -> None:
    await talk.turns()
    raise PlannedError


async def fails_within(talk: Talk) -> None:
    await talk.start(200, *talk.call.chance.choice(((), ((b"content-length", b"10"),))))
    await talk.turns()
    if talk.call.chance.random() < 0.6:
        await talk.body(b"abc", more=True)
    raise PlannedError


async def returns_early(talk: Talk) -> None:
    if talk.call.chance.random() < 0.5:
        await talk.start()
        await talk.turns()


async def says_another_length(talk: Talk) -> None:
    await talk.start(200, (b"content-length", b"5"))
    await talk.body(talk.call.chance.choice((b"1234", b"123456")), more=talk.call.chance.random() < 0.3)


READING: dict[str, Callable[[Talk], Any]] = {one.__name__: one for one in (reads_first, reads_slowly)}
"""Those that answer when they have all of a request: their calls are the same however it was cut."""

WAYS: dict[str, Callable[[Talk], Any]] = READING | {
    one.__name__: one
    for one in (
        *(at_once, late, empty, in_pieces, long, with_trailers, closing),
        *(echoes, answers_then_reads, waits_for_the_end, never_answers),
        *(fails, fails_within, returns_early, says_another_length),
    )
}


class ManyWays:
    """The application. ``calls`` are all that were made, in order; ``faults`` what it should never have got."""

    def __init__(self, chance: random.Random, ways: dict[str, Callable[[Talk], Any]] | None = None) -> None:
        self._chance = chance
        self._ways = ways or WAYS
        # Few ways, so that an input can be about them; and what a body does is seen by those who read.
        weights = [6 if name in READING else 1 for name in sorted(self._ways)]
        self._drawn = chance.choices(sorted(self._ways), weights, k=chance.randint(1, 4))
        self.calls: list[Call] = []
        self.faults: list[BaseException] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        way = self._drawn[len(self.calls) % len(self._drawn)]
        method = scope.get("method", "GET")
        call = Call(way, self._chance, method, target, list(scope["headers"]), scope["type"])
        call.stream = receive.__self__.sink.stream_id if scope["type"] == "http" else 0
        self.calls.append(call)
        talk = Talk(call, receive, send, self.faults)
        try:
            if scope["type"] == "websocket":
                await _converse(talk)
            else:
                await self._ways[way](talk)
        finally:
            call.over = True


async def _converse(talk: Talk) -> None:
    """Accepts, says back what it hears, and now and then ends it."""
    await talk.receive()
    if talk.call.chance.random() < 0.2:
        return
    await talk.send({"type": "websocket.accept"})
    while True:
        message = await talk.receive()
        if message["type"] == "websocket.disconnect":
            return
        await talk.send({"type": "websocket.send"} | {key: message[key] for key in ("text", "bytes") if key in message})
