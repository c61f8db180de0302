"""The rate limit as middleware: who is counted, and what is answered."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest
from asgi_calls import Call, answering, http_scope, websocket_scope

from pounce_middleware import Decision, RateLimiter, RateLimitMiddleware, RateLimitSettings, StoreAway


def limited(rate: str = "2/h", **options: Any) -> RateLimitMiddleware:
    limiter = RateLimiter(
        rate, clients=1024, **{name: options.pop(name) for name in ("burst", "key", "store") if name in options}
    )
    return RateLimitMiddleware(answering, limiter=limiter, **options)  # fmt: skip


def call(app: Any, scope: Any = None, *messages: dict[str, Any]) -> Call:
    return asyncio.run(Call(scope or http_scope(), *messages).run(app))


def statuses(app: Any, *scopes: Any) -> list[int | None]:
    return [call(app, scope).status for scope in scopes]


def test_beyond_the_limit_it_is_429() -> None:
    app = limited()
    assert statuses(app, http_scope(), http_scope(), http_scope()) == [200, 200, 429]
    refused = call(app)
    assert refused.sent[0]["type"] == "http.response.start"
    assert refused.fields[b"retry-after"] == b"1800"
    assert refused.fields[b"ratelimit-policy"] == b'"default";q=2;w=3600'
    assert refused.fields[b"ratelimit"] == b'"default";r=0;t=1800'
    assert refused.fields[b"content-length"] == b"%d" % len(refused.body)
    assert refused.body == b"429 Too Many Requests\nmore requests than allowed; try again in 1800 s\n"
    assert statuses(app, http_scope(client=("192.0.2.2", 1))) == [200], "others are not concerned"


def test_what_was_refused_is_counted() -> None:
    limiter = RateLimiter("2/h", clients=1024)
    app = RateLimitMiddleware(answering, limiter=limiter)
    assert statuses(app, *[http_scope()] * 5) == [200, 200, 429, 429, 429]
    assert limiter.refused == 3


def test_retry_after_is_never_before_it_helps() -> None:
    app = limited("1000/s", burst=1)
    assert statuses(app, http_scope()) == [200]
    assert call(app).fields.get(b"retry-after") in (b"1", None)


def test_ports_do_not_matter_and_networks_are_one_client() -> None:
    app = limited()
    scopes = [http_scope(client=(f"2001:db8::{port}", port)) for port in (1, 2, 3)]
    assert statuses(app, *scopes) == [200, 200, 429]


def test_fields_in_every_answer() -> None:
    app = limited("10/min", burst=3, fields=True)
    first = call(app)
    assert first.fields == {
        b"x-app": b"1",
        b"ratelimit-policy": b'"default";q=3;w=18',
        b"ratelimit": b'"default";r=2;t=6',
    }
    assert first.body == b"hello"
    assert call(app).fields[b"ratelimit"].startswith(b'"default";r=1;t=')
    socket = call(app, websocket_scope())
    assert socket.sent[0]["type"] == "websocket.accept"
    assert socket.fields[b"ratelimit"].startswith(b'"default";r=0;t=')


def test_without_fields_the_messages_are_the_applications_own() -> None:
    assert call(limited()).fields == {b"x-app": b"1"}


def test_exempt_paths_and_networks() -> None:
    app = limited("1/h", exempt_paths=["/free", "/static/*"], exempt_networks=["10.0.0.0/8", "unix", "2001:db8::/32"])
    free = [http_scope("/free"), http_scope("/static/a"), http_scope(client=("10.1.2.3", 1)), http_scope(client=None)]
    free += [http_scope(client=("::ffff:10.1.2.3", 1)), http_scope(client=("2001:db8:5::1", 1))]
    assert statuses(app, *free, *free) == [200] * 12
    assert statuses(app, http_scope("/freedom"), http_scope()) == [200, 429]


def test_a_websocket_is_denied_with_the_same_answer() -> None:
    app = limited("1/h")
    assert [one["type"] for one in call(app, websocket_scope()).sent] == ["websocket.accept"]
    denied = call(app, websocket_scope())
    assert [one["type"] for one in denied.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert denied.status == 429
    assert denied.fields[b"retry-after"] == b"3600"


def test_a_websocket_is_closed_where_it_cannot_be_answered() -> None:
    app = limited("1/h")
    call(app)
    denied = call(app, websocket_scope(denial=False))
    assert denied.sent == [{"type": "websocket.close", "code": 1013, "reason": ""}]


def test_a_websocket_that_has_gone_gets_no_answer() -> None:
    app = limited("1/h")
    call(app)
    assert call(app, websocket_scope(), {"type": "websocket.disconnect", "code": 1006}).sent == []


def test_the_lifespan_passes_and_the_store_is_closed_with_it() -> None:
    closed = []

    class Store:
        def take(self, key: str) -> Decision:
            raise AssertionError("a lifespan is no request")

        async def aclose(self) -> None:
            closed.append(len(lifespan.sent))

    lifespan = Call({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    asyncio.run(lifespan.run(limited(store=Store())))
    assert [one["type"] for one in lifespan.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert closed == [1], "before the end is told"


def test_a_key_that_exempts() -> None:
    app = limited("1/h", key=lambda scope: None)
    assert statuses(app, *[http_scope()] * 5) == [200] * 5


def test_a_store_that_waits_and_one_that_is_away() -> None:
    class Store:
        def __init__(self) -> None:
            self.answers: list[Any] = [Decision(True, 5, 1.5), Decision(False, 0, 2.5), StoreAway(0.5)]

        async def take(self, key: str) -> Decision:
            await asyncio.sleep(0)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            assert isinstance(answer, Decision)
            return answer

        async def aclose(self) -> None:
            raise AssertionError

    app = limited(store=Store(), fields=True)
    assert call(app).fields[b"ratelimit"] == b'"default";r=5;t=2'
    assert call(app).fields[b"retry-after"] == b"3"
    away = call(app)
    assert (away.status, away.fields[b"retry-after"]) == (503, b"1")


@pytest.mark.parametrize(("share", "through"), [(1, 8), (4, 8), (3, 6)])
def test_processes_have_their_parts(share: int, through: int) -> None:
    servers = [RateLimiter("8/h", clients=1024, share=share) for _ in range(share)]
    apps = [RateLimitMiddleware(answering, limiter=limiter) for limiter in servers]
    answers = statuses(*apps[:1], http_scope()) + [s for app in apps for s in statuses(app, *[http_scope()] * 10)]
    assert answers.count(200) == through


def test_a_share_of_little_is_one_request() -> None:
    app = RateLimitMiddleware(answering, limiter=RateLimiter("2/h", clients=1024, share=4))
    assert statuses(app, *[http_scope()] * 3) == [200, 429, 429]


def test_from_settings() -> None:
    settings = RateLimitSettings(
        rate_limit="1/min",
        rate_limit_burst=2,
        rate_limit_key="x-key",
        rate_limit_exempt_path=("/free",),
        rate_limit_exempt_network=("10.0.0.0/8",),
        rate_limit_fields=True,
        rate_limit_clients=1024,
    )
    app = RateLimitMiddleware.from_settings(answering, settings)
    mine = http_scope(headers=[(b"x-key", b"me")])
    assert statuses(app, mine, mine, mine, http_scope(), http_scope("/free")) == [200, 200, 429, 200, 200]
    assert call(app).fields[b"ratelimit-policy"] == b'"default";q=2;w=120'


def test_one_limiter_for_several_chains() -> None:
    settings = RateLimitSettings(rate_limit="2/h", rate_limit_clients=1024)
    limiter = RateLimiter.from_settings(settings)
    chains = [RateLimitMiddleware.from_settings(answering, settings, limiter=limiter) for _ in range(3)]
    assert [call(chain).status for chain in chains] == [200, 200, 429]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"rate_limit": "fast"}, "rate_limit: 'fast' is not requests/unit"),
        ({"rate_limit_burst": 0}, "rate_limit_burst: 0 is not within"),
        ({"rate_limit_ipv6_prefix": 8}, "rate_limit_ipv6_prefix: 8 is not within 16 and 128"),
        ({"rate_limit_clients": 5}, "rate_limit_clients: 5 is not within"),
        ({"rate_limit_key": ""}, "rate_limit_key: nothing is named"),
        ({"rate_limit_exempt_path": ("x",)}, "rate_limit_exempt_path: 'x' is not a path"),
        ({"rate_limit_exempt_network": ("10.0.0.1/8",)}, "rate_limit_exempt_network: .* is 10.0.0.0/8 meant"),
        ({"rate_limit_store": "memcache://x"}, "rate_limit_store: the address does not begin with redis://"),
        ({"rate_limit_store_failure": "panic"}, "rate_limit_store_failure: 'panic' is not allow or refuse"),
        ({"rate_limit_store_timeout": 0}, "rate_limit_store_timeout: 0 is not above 0"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        RateLimitSettings(**settings)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "rate_limit: no limit is set"),
        ({"rate_limit": "1/s", "rate_limit_key": "no_such_module_x:f"}, "rate_limit_key: .* cannot be imported"),
    ],
)
def test_what_is_found_out_when_it_is_made(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        RateLimitMiddleware.from_settings(answering, RateLimitSettings(**settings))


class AwaitedKey:
    async def __call__(self, scope: Any) -> str:
        return "key"


@pytest.mark.parametrize("key", [AwaitedKey(), AwaitedKey().__call__, functools.partial(AwaitedKey())])
def test_a_key_that_would_have_to_be_awaited_is_refused_when_it_is_made(key: Any) -> None:
    with pytest.raises(ValueError, match="key: it is a coroutine function"):
        RateLimiter("1/s", key=key)


# What a function returns, and its name in the message.
NO_KEYS = [(lambda: 5, "int"), (lambda: b"key", "bytes"), (AwaitedKey().__call__, "coroutine"), (lambda: False, "bool")]


@pytest.mark.parametrize(("returned", "name"), NO_KEYS)
def test_a_key_that_is_no_text_is_an_error(returned: Any, name: str) -> None:
    app = limited(key=lambda scope: returned(scope) if name == "coroutine" else returned())
    call = Call(http_scope())
    with pytest.raises(TypeError, match=f"rate_limit_key: the function has returned {name}, neither"):
        asyncio.run(call.run(app))
    assert call.sent == []
