"""Receiving ahead of an application: nothing is lost, and who leaves is seen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_calls import Call, http_scope
from middleware_clock import run_virtually, turns

from pounce_middleware.receive_ahead import KEPT, ReceiveAhead, is_patient


def body(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


class Ahead(ReceiveAhead):
    """With the call that it is for, and how often it said that the client has gone."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.call = Call(http_scope(), *messages)
        self.told: list[bool] = []
        super().__init__(self.call.receive, lambda: self.told.append(True))


def test_messages_come_in_their_order() -> None:
    async def main() -> None:
        ahead = Ahead(body(b"1"), body(b"2"), body(b"3", more=False))
        ahead.start()
        assert (await ahead.receive())["body"] == b"1"
        await turns()
        assert [(await ahead.receive())["body"] for _ in range(2)] == [b"2", b"3"]
        await ahead.stop()

    run_virtually(main())


def test_who_leaves_is_seen_and_the_application_may_still_read() -> None:
    async def main() -> None:
        ahead = Ahead(body(b"all", more=False))
        ahead.start()
        await turns()
        assert not ahead.gone
        ahead.call.disconnect()
        await turns()
        assert (ahead.gone, ahead.told) == (True, [True])
        assert [(await ahead.receive())["type"] for _ in range(2)] == ["http.request", "http.disconnect"]

    run_virtually(main())


def test_an_application_that_is_receiving_is_told_itself() -> None:
    async def main() -> None:
        ahead = Ahead(body(b"", more=False))
        ahead.start()
        await ahead.receive()
        waiting = [asyncio.create_task(ahead.receive()) for _ in range(2)]
        await turns()
        ahead.call.disconnect()
        ahead.call.disconnect()
        assert [(await one)["type"] for one in waiting] == ["http.disconnect"] * 2
        assert (ahead.gone, ahead.told) == (True, [])

    run_virtually(main())


def test_no_more_is_kept_than_allowed_and_taking_makes_room() -> None:
    async def main() -> None:
        piece = b"x" * (KEPT // 4)
        ahead = Ahead(*[body(piece) for _ in range(20)], body(b"end", more=False))
        ahead.start()
        await turns(50)
        assert ahead.call.incoming.qsize() == 21 - 5
        for _ in range(20):
            assert (await ahead.receive())["body"] == piece
            await turns()
        assert (await ahead.receive())["body"] == b"end"
        ahead.call.disconnect()
        await turns()
        assert ahead.told == [True]

    run_virtually(main())


def test_a_reader_that_is_cancelled_loses_nothing() -> None:
    async def main() -> None:
        ahead = Ahead(body(b"1"))
        ahead.start()
        await ahead.receive()
        reader = asyncio.create_task(ahead.receive())
        await turns()
        reader.cancel()
        await turns()
        ahead.call.incoming.put_nowait(body(b"2"))
        await turns()
        assert (await ahead.receive())["body"] == b"2"
        await ahead.stop()

    run_virtually(main())


def test_after_the_stop_it_is_as_without() -> None:
    async def main() -> None:
        ahead = Ahead(body(b"1"), body(b"2"))
        ahead.start()
        await turns()
        await ahead.stop()
        await ahead.stop()
        ahead.call.incoming.put_nowait(body(b"3"))
        ahead.call.disconnect()
        got = [await ahead.receive() for _ in range(4)]
        assert [one.get("body") for one in got] == [b"1", b"2", b"3", None]
        assert ahead.told == []

    run_virtually(main())


def test_what_receiving_raises_is_the_applications() -> None:
    async def broken() -> Any:
        raise ConnectionError("broken")

    async def main() -> None:
        ahead = ReceiveAhead(broken, lambda: None)
        ahead.start()
        with pytest.raises(ConnectionError, match="broken"):
            await ahead.receive()
        await turns()
        with pytest.raises(ConnectionError, match="broken"):
            await ahead.receive()

    run_virtually(main())


def test_who_waits_to_be_asked_for_his_body() -> None:
    assert is_patient(http_scope(headers=[(b"host", b"x"), (b"expect", b"100-continue")]))
    assert not is_patient(http_scope(headers=[(b"host", b"x")]))
