"""A limit on how many requests each client may send: what is beyond it is answered 429.

`RateLimiter` is the state of a limit and belongs to a server: one serves all its threads and event loops.
`RateLimitMiddleware` asks it before the application is called. The handshake of a WebSocket counts as a request. The
fields are those of draft-ietf-httpapi-ratelimit-headers-10 (structured fields); quota and window are those of a bucket:
how much it holds, and in how many seconds an empty one is full.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from pounce_middleware.client_key import KeyFunction, by_address, checked_key, key_function
from pounce_middleware.coroutine_function import is_coroutine_function
from pounce_middleware.path_set import PathSet
from pounce_middleware.rate import NANOSECONDS, Rate, parse_rate
from pounce_middleware.rate_limit_store import Decision, MemoryRateStore, RateStore
from pounce_middleware.refusal import refuse
from pounce_middleware.root_path import path_below_root
from pounce_middleware.store_away import StoreAway
from pounce_middleware.trusted_networks import TrustedNetworks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.rate_limit_settings import RateLimitSettings

__all__ = ["RateLimitMiddleware", "RateLimiter"]

POLICY: Final = "default"
"""The name of the policy in the fields."""

_HEADS: Final = ("http.response.start", "websocket.accept", "websocket.http.response.start")
"""Messages with fields that reach the client."""


class RateLimiter:
    """A limit and what has been used of it. Shared by all threads and loops of a server; what it reads for a request
    is never changed, and what is changed is the store's; the count of what was refused has a lock of its own.
    """

    __slots__ = ("_lock", "_refused", "key", "policy_field", "store")

    def __init__(
        self,
        rate: str | Rate,
        *,
        burst: int | None = None,
        key: KeyFunction | None = None,
        store: RateStore | None = None,
        clients: int = 250_000,
        share: int = 1,
    ) -> None:
        """``burst`` is how many requests may come at once, those of one unit by default. ``share`` is the number of
        processes that have a limiter like this one, each of which lets through its part of rate and burst, one request
        at least; a ``store`` that they have in common needs no parts.

        Raises:
            ValueError: the rate is none, or the key is a coroutine function.
        """
        if is_coroutine_function(key):
            raise ValueError("key: it is a coroutine function; it is called, not awaited")
        rate = parse_rate(rate) if isinstance(rate, str) else rate
        burst = rate.requests if burst is None else burst
        self.key = by_address() if key is None else key
        self.store = store or MemoryRateStore(rate.interval * share, max(1, burst // share), clients)
        window = max(1, math.ceil(burst * rate.interval / NANOSECONDS))
        self.policy_field = (b"ratelimit-policy", f'"{POLICY}";q={burst};w={window}'.encode())
        self._lock = threading.Lock()  # guards the next one
        self._refused = 0

    @classmethod
    def from_settings(cls, settings: RateLimitSettings, *, share: int = 1) -> Self:
        """The limiter of a server with these settings.

        Raises:
            ValueError: the key cannot be had, or no limit is set; the message names the setting.
            ImportError: a store is set and its client, the extra ``redis``, is not installed.
        """
        if settings.rate_limit is None:
            raise ValueError("rate_limit: no limit is set")
        rate = parse_rate(settings.rate_limit)
        burst = rate.requests if settings.rate_limit_burst is None else settings.rate_limit_burst
        try:
            key = key_function(settings.rate_limit_key, settings.rate_limit_ipv6_prefix)
        except ValueError as error:
            raise ValueError(f"rate_limit_key: {error}") from error
        store: RateStore | None = None
        if settings.rate_limit_store is not None:
            from pounce_middleware.redis_store import RedisRateStore

            store = RedisRateStore(
                settings.rate_limit_store,
                rate,
                burst,
                timeout=settings.rate_limit_store_timeout,
                prefix=settings.rate_limit_store_prefix,
                refuse_when_away=settings.rate_limit_store_failure == "refuse",
            )
        return cls(rate, burst=burst, key=key, store=store, clients=settings.rate_limit_clients, share=share)

    @property
    def refused(self) -> int:
        """Requests that were answered 429 so far; for metrics. Any thread may ask."""
        return self._refused

    def count_refusal(self) -> None:
        """A request is answered 429."""
        with self._lock:
            self._refused += 1

    def state_field(self, decision: Decision) -> tuple[bytes, bytes]:
        """``RateLimit``: what is left, and in how many seconds there is more."""
        return b"ratelimit", b'"%b";r=%d;t=%d' % (POLICY.encode(), decision.remaining, math.ceil(decision.wait))


class RateLimitMiddleware:
    """Lets through what a limiter allows. Any number of loops may call it at once."""

    __slots__ = ("_app", "_exempt_networks", "_exempt_paths", "_fields", "_limiter")

    def __init__(
        self,
        app: AnyApplication,
        *,
        limiter: RateLimiter,
        exempt_paths: Iterable[str] = (),
        exempt_networks: Iterable[str] = (),
        fields: bool = False,
    ) -> None:
        """With ``fields`` every answer says how much is left, not only those that refuse.

        Raises:
            ValueError: a path or a network is none.
        """
        self._app = app
        self._limiter = limiter
        self._exempt_paths = PathSet(exempt_paths) or None
        networks = tuple(exempt_networks)
        self._exempt_networks = TrustedNetworks(networks) if networks else None
        self._fields = fields

    @classmethod
    def from_settings(
        cls, app: AnyApplication, settings: RateLimitSettings, *, limiter: RateLimiter | None = None
    ) -> Self:
        """As the settings say; the limiter is made once for a server and given to all its chains.

        Raises:
            ValueError: as `RateLimiter.from_settings`, when there is no limiter.
        """
        return cls(
            app,
            limiter=limiter or RateLimiter.from_settings(settings),
            exempt_paths=settings.rate_limit_exempt_path,
            exempt_networks=settings.rate_limit_exempt_network,
            fields=settings.rate_limit_fields,
        )

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve a request, or refuse it.

        Raises:
            TypeError: the function for keys returned neither a text nor None.
        """
        if scope["type"] not in ("http", "websocket"):
            await self._pass_on(scope, receive, send)
            return
        limiter = self._limiter
        if self._is_exempt(scope) or (key := checked_key(limiter.key(scope))) is None:
            await self._app(scope, receive, send)
            return
        try:
            decision = limiter.store.take(key)
            if not isinstance(decision, Decision):
                decision = await decision
        except StoreAway as away:
            retry = (b"retry-after", b"%d" % max(1, math.ceil(away.retry_after)))
            await refuse(scope, receive, send, 503, "the rate limit cannot be checked", (retry,))
            return
        if not decision.allowed:
            await self._refuse(scope, receive, send, decision)
        elif self._fields:
            fields = (limiter.policy_field, limiter.state_field(decision))
            await self._app(scope, receive, _WithFields(send, fields).send)
        else:
            await self._app(scope, receive, send)

    def _is_exempt(self, scope: Any) -> bool:
        if self._exempt_paths is not None and path_below_root(scope) in self._exempt_paths:
            return True
        if self._exempt_networks is None:
            return False
        client = scope.get("client")
        return self._exempt_networks.trusts_peer(None if client is None else client[0])

    async def _refuse(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable, decision: Decision
    ) -> None:
        self._limiter.count_refusal()
        # Not before the time in the RateLimit field (draft, "Providing RateLimit Fields"): it is the same.
        wait = max(1, math.ceil(decision.wait))
        fields = (
            (b"retry-after", b"%d" % wait),
            self._limiter.policy_field,
            self._limiter.state_field(decision),
        )
        await refuse(scope, receive, send, 429, f"more requests than allowed; try again in {wait} s", fields)

    async def _pass_on(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """The lifespan: when it ends, the loop's connections to a store end with it."""

        async def closing(message: Any) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._limiter.store.aclose()
            await send(message)

        await self._app(scope, receive, closing)


class _WithFields:
    """A ``send`` that adds fields to the head of the answer."""

    __slots__ = ("_fields", "_send")

    def __init__(self, send: ASGISendCallable, fields: tuple[tuple[bytes, bytes], ...]) -> None:
        self._send = send
        self._fields = fields

    async def send(self, message: Any) -> None:
        if message["type"] in _HEADS:
            message = {**message, "headers": [*(message.get("headers") or ()), *self._fields]}
        await self._send(message)
