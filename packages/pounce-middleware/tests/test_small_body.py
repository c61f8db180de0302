"""Small bodies are there before their requests take a place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_calls import Call, http_scope
from middleware_clock import run_virtually, turns

from pounce_middleware import LoadShedder, LoadSheddingMiddleware
from pounce_middleware.small_body import LARGEST, SmallBody, has_small_body

SMALL = [
    ([], False),
    ([(b"content-length", b"0")], False),
    ([(b"content-length", b"1")], True),
    ([(b"host", b"x"), (b"content-length", b"65536"), (b"accept", b"*/*")], True),
    ([(b"content-length", b"65537")], False),
    ([(b"content-length", b"9" * 100_000)], False),
    ([(b"content-length", b"")], False),
    ([(b"content-length", b"+5")], False),
    ([(b"transfer-encoding", b"chunked")], False),
    ([(b"content-length", b"5"), (b"expect", b"100-continue")], False),
]


@pytest.mark.parametrize(("headers", "small"), SMALL)
def test_what_is_small(headers: list[tuple[bytes, bytes]], small: bool) -> None:
    assert has_small_body(http_scope(headers=headers)) is small


def piece(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


def test_messages_are_passed_on_as_they_came() -> None:
    async def main() -> None:
        messages = [piece(b"1"), piece(b"2", more=False)]
        call = Call(http_scope(), *messages)
        body = SmallBody(call.receive)
        assert await body.arrive()
        call.disconnect()
        assert [await body.receive() for _ in range(3)] == [*messages, {"type": "http.disconnect"}]

    run_virtually(main())


def test_no_more_is_kept_than_a_small_body() -> None:
    async def main() -> None:
        call = Call(http_scope(), *[piece(b"x" * 30_000) for _ in range(10)])
        assert await SmallBody(call.receive).arrive()
        assert call.incoming.qsize() == 10 - (LARGEST // 30_000 + 1)

    run_virtually(main())


class Uploads:
    """An application with one place that reads bodies, and clients whose bodies come in pieces."""

    def __init__(self, limit: int = 1, queue: int = 5) -> None:
        self.bodies: list[bytes] = []
        self.shedder = LoadShedder(limit, queue=queue)
        self.served = LoadSheddingMiddleware(self._app, shedder=self.shedder)
        self.tasks: list[asyncio.Task[Call]] = []

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def come(self, first: bytes, *headers: tuple[bytes, bytes]) -> Call:
        call = Call(http_scope(headers=list(headers)), piece(first))
        self.tasks.append(asyncio.create_task(call.run(self.served)))
        await turns()
        return call

    async def end(self) -> None:
        await asyncio.gather(*self.tasks)
        assert (self.shedder.active, self.shedder.waiting) == (0, 0)


def test_who_sends_a_small_body_slowly_has_no_place_meanwhile() -> None:
    async def main() -> None:
        site = Uploads()
        slow = [await site.come(b"s", (b"content-length", b"2")) for _ in range(3)]
        assert site.shedder.active == 0
        quick = await site.come(b"q", (b"content-length", b"2"))
        quick.incoming.put_nowait(piece(b"!", more=False))
        await turns()
        assert (quick.status, site.bodies) == (200, [b"q!"])
        for call in slow:
            call.incoming.put_nowait(piece(b"!", more=False))
        await site.end()
        assert ([call.status for call in slow], site.bodies[1:]) == ([200] * 3, [b"s!"] * 3)

    run_virtually(main())


def test_who_leaves_before_his_body_is_whole_never_reaches_the_application() -> None:
    async def main() -> None:
        site = Uploads()
        leaving = await site.come(b"s", (b"content-length", b"2"))
        leaving.disconnect()
        await site.end()
        assert (leaving.status, site.bodies) == (503, [])

    run_virtually(main())


def test_where_there_is_no_room_the_body_is_not_waited_for() -> None:
    async def main() -> None:
        site = Uploads(queue=0)
        large = await site.come(b"l", (b"content-length", b"100000"))
        assert site.shedder.active == 1
        refused = await site.come(b"s", (b"content-length", b"2"))
        assert refused.status == 503
        large.incoming.put_nowait(piece(b"", more=False))
        await site.end()
        assert (large.status, site.bodies) == (200, [b"l"])

    run_virtually(main())


def test_a_small_body_that_is_cancelled_leaves_no_place_taken() -> None:
    async def main() -> None:
        site = Uploads()
        await site.come(b"s", (b"content-length", b"2"))
        site.tasks[0].cancel()
        await asyncio.wait(site.tasks)
        assert (site.shedder.active, site.shedder.waiting) == (0, 0)

    run_virtually(main())
