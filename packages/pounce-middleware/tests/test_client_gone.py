"""Applications whose client has left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_calls import Call, answering, http_scope, websocket_scope
from middleware_clock import run_virtually, turns

from pounce_middleware import ClientGoneMiddleware, ClientGoneSettings, RequestTimeoutMiddleware

START = {"type": "http.response.start", "status": 200, "headers": []}


class Visit:
    """A call that runs, and what came of it."""

    def __init__(self, app: Any, *messages: dict[str, Any], scope: Any = None) -> None:
        self.call = Call(scope or http_scope(), *messages)
        self.task = asyncio.create_task(self.call.run(ClientGoneMiddleware(app)))

    async def leave(self) -> None:
        """The client leaves after a while."""
        await turns()
        self.call.disconnect()
        await turns()


def test_an_application_that_does_not_receive_is_cancelled() -> None:
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(asyncio.get_running_loop().time())

    async def main() -> None:
        visit = Visit(app)
        await visit.leave()
        await visit.task
        assert (visit.call.status, visit.task.cancelling()) == (499, 0)
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())
    assert ended == [pytest.approx(1000.0)]


def test_a_response_that_has_begun_ends_there() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await asyncio.sleep(100)

    async def main() -> None:
        visit = Visit(app)
        await visit.leave()
        await visit.task
        assert visit.call.sent == [START]

    run_virtually(main())


def test_an_application_that_receives_is_told_and_decides_itself() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        await asyncio.sleep(5)
        await answering(scope, receive, send)

    async def main() -> None:
        visit = Visit(app)
        await visit.leave()
        await visit.task
        assert visit.call.status == 200

    run_virtually(main())


@pytest.mark.parametrize("pause", [0, 1, 5])
def test_the_body_comes_whole_and_in_order(pause: int) -> None:
    pieces = [b"%d" % number * 20_000 for number in range(10)]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            await turns(pause)
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        assert body == b"".join(pieces)
        await answering(scope, receive, send)
        assert (await receive())["type"] == "http.disconnect"

    async def main() -> None:
        messages = [{"type": "http.request", "body": one, "more_body": one is not pieces[-1]} for one in pieces]
        visit = Visit(app, *messages)
        await asyncio.sleep(1)
        await visit.leave()
        await visit.task
        assert visit.call.status == 200

    run_virtually(main())


def test_who_leaves_after_the_body_was_read_is_noticed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await turns()
        await receive()
        await asyncio.sleep(100)

    async def main() -> None:
        visit = Visit(app)
        await turns(20)
        await visit.leave()
        await visit.task
        assert visit.call.status == 499

    run_virtually(main())


def test_who_leaves_after_the_application_received_at_once_is_noticed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(100)

    async def main() -> None:
        visit = Visit(app)
        await visit.leave()
        await visit.task
        assert visit.call.status == 499

    run_virtually(main())


def test_who_leaves_after_a_long_receive_is_noticed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()
        await asyncio.sleep(100)

    async def main() -> None:
        visit = Visit(app, {"type": "http.request", "body": b"1", "more_body": True})
        await turns(20)
        visit.call.incoming.put_nowait({"type": "http.request", "body": b"2", "more_body": False})
        await turns(20)
        await visit.leave()
        await visit.task
        assert visit.call.status == 499

    run_virtually(main())


def test_after_the_response_a_disconnect_cancels_nothing() -> None:
    done = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1)
        await answering(scope, receive, send)
        await asyncio.sleep(5)
        done.append(True)

    async def main() -> None:
        visit = Visit(app)
        await asyncio.sleep(2)
        await visit.leave()
        await visit.task

    run_virtually(main())
    assert done == [True]


def test_an_application_that_never_waits_is_never_watched() -> None:
    async def main() -> None:
        visit = Visit(answering)
        await visit.task
        await turns()
        assert visit.call.incoming.qsize() == 1
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())


def test_a_cancellation_from_elsewhere_passes() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(100)

    async def main(both: bool) -> None:
        visit = Visit(app)
        await turns()
        if both:
            visit.call.disconnect()
            await asyncio.sleep(0)
        visit.task.cancel()
        await asyncio.wait([visit.task])
        assert visit.task.cancelled()
        await turns()
        assert len(asyncio.all_tasks()) == 1

    for both in (False, True):
        run_virtually(main(both))


def test_what_an_application_raises_passes() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1)
        raise LookupError("mine")

    async def main() -> None:
        with pytest.raises(LookupError, match="mine"):
            await Visit(app).task
        await turns()
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())


def test_with_a_deadline_inside() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(100)

    async def main() -> None:
        limited = RequestTimeoutMiddleware(app, timeout=1.0)
        late = Visit(limited)
        assert (await late.task).status == 504
        gone = Visit(limited)
        await gone.leave()
        assert (await gone.task).status == 499

    run_virtually(main())


def test_who_waits_to_be_asked_for_his_body_is_not_asked() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await turns()
        await answering(scope, receive, send)

    async def main() -> None:
        visit = Visit(app, scope=http_scope(headers=[(b"expect", b"100-continue")]))
        await visit.task
        assert visit.call.incoming.qsize() == 1

    run_virtually(main())


def test_other_scopes_pass() -> None:
    async def main() -> None:
        socket = await Call(websocket_scope()).run(ClientGoneMiddleware(answering))
        assert socket.sent == [{"type": "websocket.accept"}]
        lifespan = Call({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
        made = ClientGoneMiddleware.from_settings(answering, ClientGoneSettings(cancel_on_disconnect=True))
        assert len((await lifespan.run(made)).sent) == 2

    run_virtually(main())
