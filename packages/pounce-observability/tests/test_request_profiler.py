"""Which requests are measured, where their time is said to go, and how it is logged. The clock is moved by hand."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from profiling_doubles import Served, answer, turns

from pounce_asgi.request_sampler import HeadTimes
from pounce_observability.profiling import ProfilingSettings, RequestProfile, RequestProfiler, request_sampler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pounce_observability.profiling.request_profile import RequestProfile as Profile


def run(scenario: Callable[[], Awaitable[Any]]) -> None:
    """Whatever the loop would only have logged is an error."""
    unforeseen: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
        await asyncio.wait_for(scenario(), 10)

    asyncio.run(main())
    assert not unforeseen


async def ok(_scope: Any, _receive: Any, send: Any) -> None:
    await answer(send)


def phases(profile: Profile) -> dict[str, float | None]:
    """The phases that took any time, or are not known."""
    told = {name: getattr(profile, name) for name in ("read", "parse", "queue", "app", "serialise", "drain")}
    return {name: None if value is None else round(value, 9) for name, value in told.items() if value != 0}


# -- which -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "requests", "expected"), [(1, 3, 3), (2, 5, 2), (5, 4, 0), (5, 5, 1), (100, 250, 2)]
)
def test_every_nth_request_is_measured(interval: int, requests: int, expected: int) -> None:
    async def scenario() -> None:
        served = Served(ok, interval=interval)
        dues = []
        for _ in range(requests):
            dues.append(served.profiler.due)
            await served.request()
        assert len(served.profiles) == expected
        assert [number for number, due in enumerate(dues, 1) if due] == list(range(interval, requests + 1, interval))

    run(scenario)


def test_what_is_no_exchange_is_called_as_it_was_and_the_next_one_measured() -> None:
    async def scenario() -> None:
        served = Served(ok)

        async def send(_message: Any) -> None:
            pass

        await served.context.app({"type": "websocket"}, None, send)  # type: ignore[arg-type]
        assert served.profiler.due
        await served.request()
        assert len(served.profiles) == 1

    run(scenario)


def test_a_request_that_is_not_measured_calls_the_application_itself() -> None:
    returned = object()

    def app(*_arguments: Any) -> Any:
        return returned

    profiler = RequestProfiler(2)
    assert profiler.wrap(app)(None, None, None) is returned  # type: ignore[arg-type]


# -- where the time goes ---------------------------------------------------------------------------------------------


def test_the_application_s_own_time_is_app() -> None:
    async def scenario() -> None:
        served: Served

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            served.clock.move(0.003)
            await asyncio.sleep(0)
            served.clock.move(0.004)
            await answer(send)
            served.clock.move(5)  # what it does when all is sent belongs to nobody's answer

        served = Served(app)
        await served.request()
        assert phases(served.profiles[0]) == {"app": 0.007, "parse": None, "queue": None}

    run(scenario)


def test_what_the_server_makes_of_messages_is_serialise() -> None:
    async def scenario() -> None:
        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"b"})

        served = Served(app, cost=0.001)
        exchange = await served.request()
        assert phases(served.profiles[0]) == {"serialise": 0.002, "parse": None, "queue": None}
        assert exchange.sink.body == b"ab"  # type: ignore[attr-defined]

    run(scenario)


def test_waiting_for_a_slow_client_within_send_is_drain() -> None:
    async def scenario() -> None:
        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            served.clock.move(0.5)
            await send({"type": "http.response.body", "body": b"b"})

        served = Served(app, cost=0.001)
        exchange = served.exchange()
        exchange.sink.congested = True
        exchange.start()
        await turns()
        assert not served.profiles
        served.clock.move(2)
        exchange.sink.congested = False
        exchange.resume_sending()
        await turns()
        assert phases(served.profiles[0]) == {
            "app": 0.5,
            "serialise": 0.002,
            "drain": 2.0,
            "parse": None,
            "queue": None,
        }

    run(scenario)


def test_what_waits_for_the_client_behind_the_last_message_is_drain() -> None:
    async def scenario() -> None:
        served = Served(ok)
        exchange = served.exchange()
        exchange.sink.unsent = True  # type: ignore[attr-defined]
        exchange.start()
        await turns()
        assert not served.profiles
        served.clock.move(3)
        exchange.sink.unsent = False  # type: ignore[attr-defined]
        await served.told.wait()
        assert phases(served.profiles[0]) == {"drain": 3.0, "parse": None, "queue": None}

    run(scenario)


def test_waiting_for_the_body_is_read_and_waiting_for_a_disconnect_is_nothing() -> None:
    async def scenario() -> None:
        async def app(_scope: Any, receive: Any, send: Any) -> None:
            message = await receive()
            while message["more_body"]:
                message = await receive()
            served.clock.move(0.25)
            listener = asyncio.ensure_future(receive())
            await answer(send)
            assert (await listener)["type"] == "http.disconnect"

        served = Served(app)
        exchange = served.exchange(method="POST", has_body=True)
        exchange.start()
        await turns()
        served.clock.move(1)
        exchange.feed(b"a")
        await turns()
        served.clock.move(1)
        exchange.finish_body()
        await turns()
        assert phases(served.profiles[0]) == {"read": 2.0, "app": 0.25, "parse": None, "queue": None}

    run(scenario)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(HeadTimes(99, 99.5, 99, 99.5), {"queue": 0.5, "parse": 0.5}, id="one piece"),
        pytest.param(HeadTimes(90, 91, 98, 99.75), {"queue": 2.75, "read": 7.0, "parse": 0.25}, id="two pieces"),
    ],
)
def test_how_the_head_came_in(head: HeadTimes, expected: dict[str, float]) -> None:
    async def scenario() -> None:
        served = Served(ok)
        served.profiler.head = head  # the clock stands at 100
        exchange = served.exchange()
        exchange.start()
        served.profiler.head = None
        await turns()
        assert phases(served.profiles[0]) == expected
        assert served.profiles[0].total == pytest.approx(100 - head.first_ready)

    run(scenario)


@pytest.mark.parametrize(("version", "protocol"), [("2", "h2"), ("3", "h3")])
def test_over_streams_reading_is_a_wait_for_the_worker(version: str, protocol: str) -> None:
    async def scenario() -> None:
        served = Served(ok)
        served.profiler.ready = 99.0
        exchange = served.exchange(http_version=version)
        exchange.start()
        served.profiler.ready = 0.0
        await turns()
        (profile,) = served.profiles
        assert phases(profile) == {"queue": 1.0, "parse": None}
        assert profile.protocol == protocol

    run(scenario)


# -- ends ------------------------------------------------------------------------------------------------------------


def test_an_application_that_raises_is_told_with_the_status_that_the_server_sent() -> None:
    async def scenario() -> None:
        async def app(_scope: Any, _receive: Any, _send: Any) -> None:
            served.clock.move(0.125)
            raise ValueError("no")

        served = Served(app)
        await served.request()
        (profile,) = served.profiles
        assert (profile.status, profile.app, profile.aborted) == (500, 0.125, False)

    run(scenario)


@pytest.mark.parametrize(("begun", "status"), [(False, 499), (True, 200)])
def test_a_client_that_leaves_is_told_as_aborted(begun: bool, status: int) -> None:
    async def scenario() -> None:
        async def app(_scope: Any, receive: Any, send: Any) -> None:
            if begun:
                await send({"type": "http.response.start", "status": 200})
                await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await receive()
            assert (await receive())["type"] == "http.disconnect"

        served = Served(app)
        exchange = await served.request()
        exchange.client_gone()
        await turns()
        (profile,) = served.profiles
        assert (profile.status, profile.aborted) == (status, True)

    run(scenario)


def test_what_the_client_leaves_untaken_when_it_goes_ends_there() -> None:
    async def scenario() -> None:
        async def app(_scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await receive()
            await receive()

        served = Served(app)
        exchange = await served.request()
        exchange.sink.unsent = True  # type: ignore[attr-defined]
        exchange.client_gone()
        await turns()
        assert len(served.profiles) == 1

    run(scenario)


def test_cancelling_the_application_reaches_it_through_a_send_that_waits() -> None:
    ended: list[str] = []

    async def scenario() -> None:
        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            try:
                await send({"type": "http.response.body", "body": b"a", "more_body": True})
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        served = Served(app)
        exchange = served.exchange()
        exchange.sink.congested = True
        exchange.start()
        await turns()
        (task,) = served.context.running
        task.cancel()
        await turns()
        assert served.profiles[0].aborted

    run(scenario)
    assert ended == ["cancelled"]


# -- the log ---------------------------------------------------------------------------------------------------------

PROFILE = RequestProfile("GET", "/a", 200, "http/1.1", 2, 0.0, 0.0000354, 0.000012, 0.0021, 0.000040, 0.0)


def test_a_line_has_the_phases_in_microseconds() -> None:
    assert PROFILE.line() == (
        "GET /a 200 http/1.1 worker 2: read 0 parse 35 queue 12 app 2100 serialise 40 drain 0 total 2187 us"
    )
    assert (
        PROFILE._replace(parse=None, aborted=True)
        .line()
        .endswith("parse - queue 12 app 2100 serialise 40 drain 0 total 2152 us (aborted)")
    )


@pytest.mark.parametrize("path", ["/a\r\nGET /b", "/\x1b[2J", "/\x85\xa0", "/" + "a" * 5000, "/ \t"])
def test_no_path_can_end_its_line_or_move_the_cursor(path: str) -> None:
    line = PROFILE._replace(path=path, method="G\nT").line()
    assert line.isprintable()
    assert len(line) < 1000
    assert len(line.split(" ")) == len(PROFILE.line().split(" "))


def test_is_logged_with_fields_beside_the_line(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        served = Served(ok)
        sampler = request_sampler(ProfilingSettings(profile=True, profile_interval=1), 7)
        assert sampler is not None
        served.context.app = sampler.wrap(ok)
        await served.request(raw_path=b"/x")

    with caplog.at_level(logging.INFO, "pounce.profile"):
        run(scenario)
    (record,) = caplog.records
    assert record.name == "pounce.profile"
    assert record.getMessage().startswith("GET /x 200 http/1.1 worker 7: read ")
    fields = record.profile  # type: ignore[attr-defined]
    assert list(fields) == [
        *("method", "path", "status", "protocol", "worker_id"),
        *("read_us", "parse_us", "queue_us", "app_us", "serialise_us", "drain_us", "total_us", "aborted"),
    ]
    assert fields["parse_us"] is None
    assert fields["app_us"] >= 0


# -- settings --------------------------------------------------------------------------------------------------------


def test_is_off_unless_asked_for() -> None:
    assert request_sampler(ProfilingSettings(), 0) is None


def test_an_interval_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="profile_interval"):
        ProfilingSettings(profile_interval=0)
