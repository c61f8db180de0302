"""Places in an application, the queue before them, and who gets which answer."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgi_calls import Call, answering, http_scope, websocket_scope
from middleware_clock import run_virtually, turns

from pounce_middleware import AdaptiveLimit, LoadShedder, LoadSheddingMiddleware, LoadSheddingSettings, load_shedder
from pounce_middleware.shedder import Outcome, Waiter


class Held:
    """An application that answers when it is told to, and remembers whom it has seen."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.open = asyncio.Event()
        self.most = 0
        self.now = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["path"])
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.open.wait()
            await answering(scope, receive, send)
        finally:
            self.now -= 1


class Site:
    """A held application behind a limit, and the clients that have come."""

    def __init__(self, limit: int = 1, queue: int = 2, **options: Any) -> None:
        self.app = Held()
        self.shedder = LoadShedder(limit, queue=queue, timeout=options.pop("timeout", 5.0))
        self.served = LoadSheddingMiddleware(self.app, shedder=self.shedder, **options)
        self.tasks: list[asyncio.Task[Call]] = []

    async def come(self, scope: Any) -> Call:
        """A client comes, and gets as far as he can."""
        call = Call(scope)
        self.tasks.append(asyncio.create_task(call.run(self.served)))
        await turns()
        return call

    async def end(self) -> None:
        """All are served."""
        self.app.open.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert (self.shedder.active, self.shedder.waiting) == (0, 0)


def test_so_many_enter_so_many_wait_and_the_others_are_refused_at_once() -> None:
    async def main() -> None:
        site = Site(limit=2, queue=3, retry_after=7)
        calls = [await site.come(http_scope(f"/{number}")) for number in range(7)]
        assert site.app.seen == ["/0", "/1"]
        assert (site.shedder.active, site.shedder.waiting) == (2, 3)
        assert [call.status for call in calls] == [None] * 5 + [503] * 2
        assert calls[6].fields[b"retry-after"] == b"7"
        assert calls[6].body == b"503 Service Unavailable\nthe server is busy\n"
        await site.end()
        assert [call.status for call in calls] == [200] * 5 + [503] * 2
        assert (site.app.seen, site.app.most) == ([f"/{number}" for number in range(5)], 2)

    run_virtually(main())


def test_waits_and_refusals_are_counted() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        shedder = LoadShedder(1, queue=2, clock=loop.time)
        assert shedder.enter() is Outcome.ENTERED
        first, second = shedder.enter(), shedder.enter()
        assert shedder.enter() is Outcome.FULL
        assert isinstance(first, Waiter)
        assert isinstance(second, Waiter)
        await asyncio.sleep(2)
        shedder.give_up(first, Outcome.EXPIRED)
        await asyncio.sleep(1)
        shedder.leave()
        assert second.outcome is Outcome.ENTERED
        assert shedder.refused == {"full": 1, "expired": 1, "gone": 0}
        waits, seconds = shedder.waited
        assert (waits, round(seconds, 3)) == (2, 5.0)

    run_virtually(main())


def test_first_come_first_served_also_before_who_comes_just_now() -> None:
    async def main() -> None:
        order: list[str] = []
        shedder = LoadShedder(1, queue=10)
        gates: dict[str, asyncio.Event] = {}

        async def app(scope: Any, receive: Any, send: Any) -> None:
            order.append(scope["path"])
            await gates.setdefault(scope["path"], asyncio.Event()).wait()

        served = LoadSheddingMiddleware(app, shedder=shedder)
        tasks = []
        for path in "abcd":
            tasks.append(asyncio.create_task(Call(http_scope(path)).run(served)))
            await turns()
        for path, newcomer in zip("abcd", "efgh", strict=True):
            gates[path].set()
            tasks.append(asyncio.create_task(Call(http_scope(newcomer)).run(served)))
            await turns()
        for path in "efgh":
            gates.setdefault(path, asyncio.Event()).set()
        await asyncio.gather(*tasks)
        assert order == list("abcdefgh")

    run_virtually(main())


def test_who_waits_for_too_long_is_refused() -> None:
    async def main() -> None:
        site = Site(timeout=3.0)
        await site.come(http_scope())
        waiting = await site.come(http_scope())
        await asyncio.sleep(2.9)
        assert not waiting.status
        await asyncio.sleep(0.2)
        assert (waiting.status, waiting.fields[b"retry-after"], site.shedder.waiting) == (503, b"1", 0)
        assert b"did not become less so in time" in waiting.body
        await site.end()

    run_virtually(main())


def test_who_leaves_while_he_waits_frees_his_place() -> None:
    async def main() -> None:
        site = Site(queue=1)
        await site.come(http_scope("/first"))
        leaving = await site.come(http_scope("/leaving"))
        assert (await site.come(http_scope())).status == 503
        leaving.disconnect()
        await turns()
        assert site.shedder.waiting == 0
        await site.come(http_scope("/next"))
        await site.end()
        assert site.app.seen == ["/first", "/next"]

    run_virtually(main())


def test_a_websocket_that_leaves_while_it_waits_gets_nothing() -> None:
    async def main() -> None:
        site = Site()
        await site.come(http_scope())
        leaving = await site.come(websocket_scope())
        leaving.disconnect()
        await turns()
        assert (site.shedder.waiting, leaving.sent) == (0, [])
        await site.end()

    run_virtually(main())


def test_the_body_of_who_waited_is_whole() -> None:
    async def main() -> None:
        bodies: list[bytes] = []
        shedder = LoadShedder(1)
        gate = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await gate.wait()
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message["body"], message["more_body"]
            bodies.append(body)

        served = LoadSheddingMiddleware(app, shedder=shedder)
        pieces = [b"1" * 50_000, b"2" * 50_000, b"3" * 50_000]
        calls = [Call(http_scope(), *_body(pieces)) for _ in range(3)]
        tasks = [asyncio.create_task(call.run(served)) for call in calls]
        await turns(50)
        assert [call.incoming.qsize() for call in calls] == [3, 1, 1], "read ahead as far as allowed"
        gate.set()
        await asyncio.gather(*tasks)
        assert bodies == [b"".join(pieces)] * 3

    run_virtually(main())


def _body(pieces: list[bytes]) -> list[dict[str, Any]]:
    last = len(pieces) - 1
    return [{"type": "http.request", "body": piece, "more_body": n < last} for n, piece in enumerate(pieces)]


def test_who_waits_to_be_asked_for_his_body_is_not_asked_in_the_queue() -> None:
    async def main() -> None:
        site = Site()
        await site.come(http_scope())
        call = await site.come(http_scope(headers=[(b"expect", b"100-continue")]))
        assert call.incoming.qsize() == 1
        await site.end()
        assert call.status == 200

    run_virtually(main())


def test_a_request_that_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    async def main() -> None:
        site = Site()
        await site.come(http_scope("/first"))
        await site.come(http_scope("/cancelled"))
        site.tasks[1].cancel()
        await turns()
        assert site.shedder.waiting == 0
        await site.end()
        assert site.app.seen == ["/first"]

    run_virtually(main())


@pytest.mark.parametrize("turns_before", range(6))
def test_a_request_that_is_cancelled_as_it_gets_its_place_gives_it_back(turns_before: int) -> None:
    async def main() -> None:
        site = Site(limit=1, queue=5)
        await site.come(http_scope("/first"))
        await site.come(http_scope("/cancelled"))
        await site.come(http_scope("/last"))
        site.app.open.set()
        await turns(turns_before)
        site.tasks[1].cancel()
        await site.end()
        assert site.app.seen[-1] == "/last"

    run_virtually(main())


@pytest.mark.parametrize("turns_before", range(6))
@pytest.mark.parametrize("turns_between", range(3))
def test_a_request_that_is_cancelled_twice_leaves_no_place_taken(turns_before: int, turns_between: int) -> None:
    async def main() -> None:
        site = Site(limit=1, queue=5)
        gate = asyncio.Event()

        class Slow(Call):
            async def receive(self) -> Any:
                try:
                    return await super().receive()
                except asyncio.CancelledError:
                    await gate.wait()  # a server that has something to end first
                    raise

        await site.come(http_scope("/first"))
        site.tasks.append(asyncio.create_task(Slow(http_scope("/cancelled")).run(site.served)))
        await turns()
        site.app.open.set()
        await turns(turns_before)
        site.tasks[1].cancel()
        await turns(turns_between)
        site.tasks[1].cancel()
        await turns()
        gate.set()
        await site.end()

    run_virtually(main())


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_request_that_expires_and_is_cancelled_at_once_counts_once(cancelled: bool) -> None:
    async def main() -> None:
        site = Site(timeout=1.0)
        await site.come(http_scope())
        await site.come(http_scope())
        if cancelled:
            asyncio.get_running_loop().call_later(1.0, site.tasks[1].cancel)
        await asyncio.sleep(2)
        assert (site.shedder.active, site.shedder.waiting) == (1, 0)
        await site.end()

    run_virtually(main())


def test_an_application_that_fails_gives_its_place_back() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("mine")

    async def main() -> None:
        shedder = LoadShedder(1)
        served = LoadSheddingMiddleware(failing, shedder=shedder)
        for scope in (http_scope(), websocket_scope()):
            with pytest.raises(LookupError, match="mine"):
                await Call(scope).run(served)
        assert shedder.active == 0

    run_virtually(main())


@pytest.mark.parametrize("limit", [1, AdaptiveLimit(1)])
def test_a_websocket_has_a_place_for_its_handshake_only(limit: Any) -> None:
    async def main() -> None:
        shedder = LoadShedder(limit, queue=0)
        accepted, end = asyncio.Event(), asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                await accepted.wait()
                await send({"type": "websocket.accept"})
                await end.wait()
            else:
                await answering(scope, receive, send)

        served = LoadSheddingMiddleware(app, shedder=shedder)
        socket = asyncio.create_task(Call(websocket_scope()).run(served))
        await turns()
        denied = await Call(websocket_scope()).run(served)
        assert denied.status == 503
        assert denied.fields[b"retry-after"] == b"1"
        accepted.set()
        await turns()
        assert (await Call(http_scope()).run(served)).status == 200
        end.set()
        await socket
        assert shedder.active == 0

    run_virtually(main())


def test_exempt_paths_and_the_lifespan_pass_by() -> None:
    async def main() -> None:
        site = Site(limit=1, queue=0, exempt_paths=["/healthz", "/internal/*"])
        await site.come(http_scope())
        site.app.open.set()
        assert (await site.come(http_scope("/healthz"))).status == 200
        assert (await site.come(http_scope("/internal/x"))).status == 200
        lifespan = Call({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
        app = LoadSheddingMiddleware(answering, shedder=site.shedder)
        assert len((await lifespan.run(app)).sent) == 2
        await site.end()

    run_virtually(main())


def test_one_limit_for_the_loops_of_many_threads() -> None:
    """Whoever waits is woken on his own loop; never are there more than allowed, and all are served."""
    shedder = LoadShedder(3, queue=1000, timeout=60)
    lock = threading.Lock()
    now, most, served_in_all = 0, 0, 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal now, most, served_in_all
        with lock:
            now += 1
            most = max(most, now)
        await asyncio.sleep(0)
        with lock:
            now -= 1
            served_in_all += 1
        await answering(scope, receive, send)

    middleware = LoadSheddingMiddleware(app, shedder=shedder)

    async def clients() -> None:
        calls = await asyncio.gather(*(Call(http_scope()).run(middleware) for _ in range(100)))
        assert all(call.status == 200 for call in calls)

    threads = [threading.Thread(target=asyncio.run, args=(clients(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (served_in_all, most) == (600, 3)
    assert (shedder.active, shedder.waiting) == (0, 0)


def test_a_place_for_a_loop_that_is_closed_goes_to_the_next() -> None:
    shedder = LoadShedder(1, queue=5)

    async def enter() -> Any:
        return shedder.enter()

    first = asyncio.run(enter())
    assert shedder.active == 1, first
    asyncio.run(enter())  # it waits, and its loop is closed
    assert shedder.waiting == 1
    shedder.leave()
    assert (shedder.active, shedder.waiting) == (0, 0)


def test_the_time_in_which_a_body_comes_is_not_the_applications() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        latencies: list[float] = []

        class Noting(AdaptiveLimit):
            def finished(self, epoch: int, latency: float, now: float) -> bool:
                latencies.append(latency)
                return super().finished(epoch, latency, now)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            assert [(await receive())["more_body"] for _ in range(2)] == [True, False]
            await asyncio.sleep(1)
            await answering(scope, receive, send)

        shedder = LoadShedder(Noting(10), clock=loop.time)
        call = Call(http_scope(), {"type": "http.request", "body": b"x", "more_body": True})
        task = asyncio.create_task(call.run(LoadSheddingMiddleware(app, shedder=shedder)))
        await asyncio.sleep(30)
        call.incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        await task
        assert latencies == [pytest.approx(1, abs=0.1)]

    run_virtually(main())


def test_places_for_very_many_closed_loops_go_to_the_next() -> None:
    shedder = LoadShedder(1, queue=5000)

    async def enter(count: int) -> None:
        for _ in range(count):
            shedder.enter()

    asyncio.run(enter(3001))
    assert (shedder.active, shedder.waiting) == (1, 3000)

    async def main() -> None:
        waiter = shedder.enter()
        assert isinstance(waiter, Waiter)
        shedder.leave()
        assert await waiter.future is Outcome.ENTERED

    asyncio.run(main())
    assert (shedder.active, shedder.waiting) == (1, 0)


def test_from_settings() -> None:
    settings = LoadSheddingSettings(
        request_queue_limit=8,
        request_queue_size=40,
        request_queue_timeout=2.0,
        request_queue_retry_after=9,
        request_queue_exempt_path=("/metrics",),
    )
    shedder = load_shedder(settings)
    assert (shedder.limit, shedder.timeout, shedder.adaptive) == (8, 2.0, None)
    assert load_shedder(settings, share=4).limit == 2
    assert load_shedder(settings, share=100).limit == 1
    served = LoadSheddingMiddleware.from_settings(answering, settings, shedder=shedder)
    assert asyncio.run(Call(http_scope()).run(served)).status == 200
    adaptive = load_shedder(LoadSheddingSettings(request_queue_adaptive=True))
    assert adaptive.adaptive is not None


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"request_queue_limit": 0}, "request_queue_limit: 0 is below 1"),
        ({"request_queue_size": -1}, "request_queue_size: -1 is below 0"),
        ({"request_queue_timeout": 0}, "request_queue_timeout: 0 is not above 0 seconds"),
        ({"request_queue_retry_after": 0}, "request_queue_retry_after: 0 is below 1"),
        ({"request_queue_exempt_path": ("x",)}, "request_queue_exempt_path: 'x' is not a path"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        LoadSheddingSettings(**settings)


def test_without_a_limit_there_is_nothing_to_make() -> None:
    with pytest.raises(ValueError, match="request_queue_limit: no limit is set"):
        LoadSheddingMiddleware.from_settings(answering, LoadSheddingSettings())
