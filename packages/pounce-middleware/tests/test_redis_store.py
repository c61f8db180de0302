"""The rate limit in a real Redis: one decision a script, many loops, and what happens while it is away."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from asgi_calls import Call, answering, http_scope
from redis_server import RedisServer, find_redis_server

pytest.importorskip("redis")

import redis

from pounce_middleware import RateLimiter, RateLimitMiddleware, RateLimitSettings, StoreAway, parse_rate
from pounce_middleware.redis_store import RedisRateStore

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(find_redis_server()) as running:
        yield running


@pytest.fixture
def away() -> Iterator[RedisServer]:
    """One that has not been started."""
    running = RedisServer(find_redis_server())
    yield running
    running.__exit__()


def store(server: RedisServer, rate: str = "5/h", **options: Any) -> RedisRateStore:
    parsed = parse_rate(rate)
    return RedisRateStore(options.pop("url", server.url), parsed, options.pop("burst", parsed.requests), **options)


def takes(buckets: RedisRateStore, key: str, times: int) -> list[Any]:
    async def main() -> list[Any]:
        try:
            return [await buckets.take(key) for _ in range(times)]
        finally:
            await buckets.aclose()

    return asyncio.run(main())


def test_a_burst_and_then_no_more(server: RedisServer) -> None:
    decisions = takes(store(server, timeout=30.0), "burst", 6)
    assert [one.allowed for one in decisions] == [True] * 5 + [False]
    assert [one.remaining for one in decisions] == [4, 3, 2, 1, 0, 0]
    assert all(715 < one.wait <= 720 for one in decisions)


def test_the_rate_in_the_time_of_the_server(server: RedisServer) -> None:
    buckets = store(server, "20/s", burst=2, timeout=30.0)
    started = time.monotonic()
    allowed = 0
    while time.monotonic() < started + 0.5:
        allowed += sum(one.allowed for one in takes(buckets, "rate", 3))
    assert 2 <= allowed <= 2 + 20 * (time.monotonic() - started) + 1
    time.sleep(0.06)
    assert takes(buckets, "rate", 1)[0].allowed


def test_several_machines_share_a_bucket_and_keys_do_not(server: RedisServer) -> None:
    machines = [store(server, timeout=30.0) for _ in range(3)]
    through = [one.allowed for machine in machines for one in takes(machine, "shared", 3)]
    assert through.count(True) == 5
    assert takes(machines[0], "another", 1)[0].allowed
    assert takes(store(server, timeout=30.0, prefix="other:"), "shared", 1)[0].allowed


def test_over_a_unix_socket(server: RedisServer) -> None:
    assert [one.allowed for one in takes(store(server, "1/h", url=server.unix_url, timeout=30.0), "unix", 2)] == [
        True,
        False,
    ]


def test_a_bucket_that_is_full_again_is_gone(server: RedisServer) -> None:
    takes(store(server, "100/s", timeout=30.0), "short", 2)
    with redis.Redis(port=server.port) as client:
        assert client.pttl("pounce:rate:short") <= 22
        end = time.monotonic() + 5
        while client.exists("pounce:rate:short"):
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_script_that_the_server_has_forgotten(server: RedisServer) -> None:
    buckets = store(server, timeout=30.0)
    assert takes(buckets, "script", 1)[0].remaining == 4
    with redis.Redis(port=server.port) as client:
        client.script_flush()
    assert takes(buckets, "script", 1)[0].remaining == 3


def test_many_at_once_over_the_loops_of_many_threads(server: RedisServer) -> None:
    buckets = store(server, "50/h", timeout=30.0)
    allowed: list[int] = []

    async def many() -> None:
        answers = await asyncio.gather(*(buckets.take("threads") for _ in range(50)))  # more than connections
        allowed.append(sum(one.allowed for one in answers))
        await buckets.aclose()

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 4
    assert sum(allowed) == 50


def test_while_it_is_away_requests_pass_and_the_log_says_so(
    away: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    buckets = store(away, url=f"redis://:secret@127.0.0.1:{away.port}/0", timeout=30.0)
    decisions = takes(buckets, "away", 7)
    assert [one.allowed for one in decisions] == [True] * 7
    (line,) = [record.getMessage() for record in caplog.records if record.name == "pounce.error"]
    assert f"127.0.0.1:{away.port} does not answer (ConnectionError: " in line
    assert "secret" not in line


def test_while_it_is_away_requests_are_refused(away: RedisServer) -> None:
    settings = RateLimitSettings(
        rate_limit="5/h",
        rate_limit_store=away.url,
        rate_limit_store_failure="refuse",
        rate_limit_store_timeout=30.0,
    )
    app = RateLimitMiddleware.from_settings(answering, settings)

    async def main() -> list[Call]:
        return [await Call(http_scope()).run(app) for _ in range(3)]

    for call in asyncio.run(main()):
        assert (call.status, call.fields[b"retry-after"]) == (503, b"1")
        assert b"ratelimit" not in call.fields


def test_it_comes_back(away: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "pounce.error")
    buckets = store(away, "1/h", refuse_when_away=True, timeout=30.0)
    buckets._outage.pause = 0.05  # so that the test need not wait

    async def main() -> None:
        with pytest.raises(StoreAway):
            await buckets.take("back")
        away.start()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                assert (await buckets.take("back")).allowed
                break
            except StoreAway:
                await asyncio.sleep(0.01)
        assert not (await buckets.take("back")).allowed
        await buckets.aclose()

    asyncio.run(main())
    assert "answers again; decided without it since the last line: " in caplog.messages[-1]


def test_one_that_hangs_is_not_asked_by_each_request() -> None:
    """It takes the connection and never answers."""
    connections = 0

    async def main() -> tuple[list[Any], float]:
        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await reader.read()
            writer.close()

        listening = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        buckets = RedisRateStore(f"redis://127.0.0.1:{port}", parse_rate("1/h"), 1, timeout=0.1)
        started = time.monotonic()
        decisions = [await buckets.take("hang") for _ in range(20)]
        took = time.monotonic() - started
        await buckets.aclose()
        listening.close()
        return decisions, took

    decisions, took = asyncio.run(main())
    assert all(one.allowed for one in decisions)
    assert connections <= 1 + took, "one each second"


def test_a_wrong_address_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="must specify one of"):
        RedisRateStore("http://x", parse_rate("1/s"), 1)


def test_a_password_that_cannot_be_read_is_not_repeated() -> None:
    """redis takes what stands before the ``#`` for the port, and says so."""
    for url in ("redis://:secret#word@store:6379/0", "rediss://user:secret/word@store", "redis://:x@store:secret"):
        with pytest.raises(ValueError, match="cannot be read") as error:
            RedisRateStore(url, parse_rate("1/s"), 1)
        assert "secret" not in "".join(traceback.format_exception(error.value))


def test_several_servers_with_settings_share_the_limit(server: RedisServer) -> None:
    settings = RateLimitSettings(
        rate_limit="4/h",
        rate_limit_store=server.url,
        rate_limit_store_timeout=30.0,
        rate_limit_store_prefix="settings:",
    )
    limiters = [RateLimiter.from_settings(settings, share=3) for _ in range(3)]

    async def main() -> list[int | None]:
        answers = []
        for limiter in limiters:
            app = RateLimitMiddleware.from_settings(answering, settings, limiter=limiter)
            answers += [(await Call(http_scope()).run(app)).status for _ in range(3)]
            await Call({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}).run(app)
        return answers

    assert asyncio.run(main()) == [200, 200, 200, 200, 429, 429, 429, 429, 429]


@pytest.mark.skipif(not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled(), reason="the GIL is on")
def test_the_gil_stays_off() -> None:
    check = "import pounce_middleware.redis_store, sys; sys.exit(sys._is_gil_enabled())"
    assert subprocess.run([sys.executable, "-W", "error", "-c", check], check=False).returncode == 0
