"""The store of a rate limit for several machines: Redis or Valkey, by way of the ``redis`` package (extra ``redis``).

A decision is one script, so it is atomic, and its clock is the server's, so the machines need not agree on the time. A
bucket is one key with one number, as in ``rate_limit_store``, and is gone when it is full again.

A store that does not answer in time is away: for a second nobody asks it, so that a request does not wait for nothing,
and then one request does again. Meanwhile requests are let through, or refused (`StoreAway`); the log says so once
every ten seconds, with their number.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from pounce_middleware.rate_limit_settings import SCHEMES
from pounce_middleware.rate_limit_store import Decision
from pounce_middleware.store_away import StoreAway, StoreOutage

if TYPE_CHECKING:
    from pounce_middleware.rate import Rate

__all__ = ["RedisRateStore"]

SCRIPT: Final = """
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = tonumber(redis.call('GET', KEYS[1]) or 0)
full = math.max(full, now) + interval
local spare = tolerance - (full - now)
if spare < 0 then
    return {0, 0, math.ceil(-spare)}
end
redis.call('SET', KEYS[1], string.format('%.2f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return {1, math.floor(spare / interval), math.ceil(interval - spare % interval)}
"""
"""Microseconds all through: a double holds those since 1970 with a quarter to spare."""

CONNECTIONS: Final = 32
"""Of each event loop. Decisions beyond it wait for one, within their time."""

CLOSE_SECONDS: Final = 1.0
"""The longest time that another loop is given to close what it does not need."""


class RedisRateStore:
    """Buckets in a Redis or Valkey. Any number of threads and loops may use it: each loop has a client of its own."""

    def __init__(
        self,
        url: str,
        rate: Rate,
        burst: int,
        *,
        timeout: float = 0.25,
        prefix: str = "pounce:rate:",
        refuse_when_away: bool = False,
    ) -> None:
        """``timeout`` is for one decision, in seconds.

        Raises:
            ValueError: the address is none.
        """
        self._url = url
        self._timeout = timeout
        self._prefix = prefix
        self._refuse = refuse_when_away
        interval = rate.seconds * 1_000_000 / rate.requests
        self._interval = repr(interval)
        # A part of a microsecond more, so that what was lost in rounding refuses nobody his last request.
        self._tolerance = repr(interval * max(burst, 1) + 0.5)
        self._burst = burst
        self._local = threading.local()
        self._lock = threading.Lock()  # guards the next one
        self._clients: dict[asyncio.AbstractEventLoop, redis.asyncio.Redis] = {}
        client = self._first_client()
        self._sha = client.register_script(SCRIPT).sha
        self._outage = StoreOutage(_place(client))

    async def take(self, key: str) -> Decision:
        """Take a token of a key's bucket.

        Raises:
            StoreAway: the store does not answer, and requests are to be refused then.
        """
        outage = self._outage
        if not outage.may_ask():
            return self._without_store()
        try:
            async with asyncio.timeout(self._timeout):
                allowed, remaining, wait = await self._ask(self._prefix + key)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            outage.failed(error)
            return self._without_store()
        if outage.is_on:
            outage.over()
        return Decision(bool(allowed), remaining, wait / 1_000_000)

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and those of others that they do not need just now: a loop
        whose thread only serves requests has no end of its own to be told of. All may be used again.
        """
        here = asyncio.get_running_loop()
        with self._lock:
            clients = dict(self._clients)
            self._clients.pop(here, None)
        self._local.client = self._local.loop = None
        for loop, client in clients.items():
            if loop is here:
                await client.aclose()
            elif loop.is_running():
                await _close_idle(client, loop)

    async def _ask(self, key: str) -> Any:
        client = self._client()
        try:
            return await client.evalsha(self._sha, 1, key, self._interval, self._tolerance)
        except NoScriptError:  # never loaded, or the server was started anew
            return await client.eval(SCRIPT, 1, key, self._interval, self._tolerance)

    def _without_store(self) -> Decision:
        self._outage.count()
        if self._refuse:
            raise StoreAway(self._outage.pause)
        return Decision(True, self._burst, 0.0)

    def _client(self) -> redis.asyncio.Redis:
        """That of the running loop; a thread has one loop at a time."""
        local = self._local
        loop = asyncio.get_running_loop()
        if getattr(local, "loop", None) is not loop:
            local.client, local.loop = self._new_client(), loop
            with self._lock:
                self._clients = {one: client for one, client in self._clients.items() if not one.is_closed()}
                self._clients[loop] = local.client
        return local.client  # type: ignore[no-any-return]

    def _first_client(self) -> redis.asyncio.Redis:
        """Raises now what is wrong with the address."""
        try:
            return self._new_client()
        except ValueError:
            if not self._url.startswith(SCHEMES):
                raise
        # The message repeats what it took for a port: of redis://:pass#word@host that is a part of the password.
        raise ValueError(
            "the address of the store cannot be read; in its password, characters such as # / ? @ are written %23 %2F"
            " %3F %40"
        )

    def _new_client(self) -> redis.asyncio.Redis:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            self._url,
            max_connections=CONNECTIONS,
            timeout=self._timeout,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(NoBackoff(), 1),  # type: ignore[no-untyped-call,unused-ignore]  # an idle one may just be closed
        )
        return redis.asyncio.Redis.from_pool(pool)


async def _close_idle(client: redis.asyncio.Redis, loop: asyncio.AbstractEventLoop) -> None:
    """Have another loop close the connections that wait for nothing. It may end at this moment."""
    idle = client.connection_pool.disconnect(inuse_connections=False)
    try:
        closing = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(idle, loop))
    except RuntimeError:  # closed
        idle.close()
        return
    await asyncio.wait((closing,), timeout=CLOSE_SECONDS)
    if closing.done() and not closing.cancelled():
        closing.exception()  # whatever it is, the connection is gone


def _place(client: redis.asyncio.Redis) -> str:
    """Where the store is, without the password."""
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")
