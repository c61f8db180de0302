"""The fields that every response gets, and a Date that is right."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from exchange_doubles import encode_pair

from pounce_asgi import ExchangeContext, ExchangeSettings, InvalidResponseHeader

Run = Any


def make_context(*, clock: Any = None, **settings: Any) -> ExchangeContext[Any]:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    loop = asyncio.new_event_loop()
    loop.close()
    return ExchangeContext(
        app, loop=loop, encode=encode_pair, no_fields=(), settings=ExchangeSettings(**settings), clock=clock
    )


def test_the_date_is_rendered_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [784111777.0]  # RFC 9110, 5.6.7
    monkeypatch.setattr(time, "time", lambda: now[0])
    context = make_context(server_header=False)
    first = context.default_fields()
    assert first == ((b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"),)
    now[0] += 0.999
    assert context.default_fields() is first
    now[0] += 0.001
    assert context.default_fields() == ((b"date", b"Sun, 06 Nov 1994 08:49:38 GMT"),)


def test_a_clock_that_is_set_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [784111777.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    context = make_context(server_header=False)
    context.default_fields()
    now[0] -= 3600
    assert context.default_fields() == ((b"date", b"Sun, 06 Nov 1994 07:49:37 GMT"),)


def test_the_date_is_now() -> None:
    (date,) = (value for name, value in make_context().default_fields() if name == b"date")
    assert abs(parsedate_to_datetime(date.decode()).timestamp() - time.time()) < 2


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, [b"date", b"server"]),
        ({"date_header": False}, [b"server"]),
        ({"server_header": False}, [b"date"]),
        ({"header": (("X-A", " 1 "), ("x-a", "2"))}, [b"date", b"server", b"x-a", b"x-a"]),
        ({"header": (("Server", "mine"),)}, [b"date", b"server"]),
        ({"header": (("Date", "then"),), "date_header": False}, [b"date", b"server"]),
    ],
)
def test_the_fields_of_every_response(settings: Any, names: list[bytes]) -> None:
    assert [name for name, _ in make_context(**settings).default_fields()] == names


def test_configured_values_win_and_are_stripped() -> None:
    context = make_context(header=(("server", "mine"), ("date", "then"), ("x-a", " 1 ")))
    assert set(context.default_fields()) == {(b"server", b"mine"), (b"date", b"then"), (b"x-a", b"1")}


@pytest.mark.parametrize("field", [("x y", "1"), ("x", "a\r\nb: c"), ("", "1")])
def test_a_configured_field_that_cannot_be_sent_is_told_at_once(field: tuple[str, str]) -> None:
    with pytest.raises(InvalidResponseHeader):
        make_context(header=(field,))


def test_dates_do_not_fill_the_memo(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    context = make_context()
    size = len(context.header_memo)
    for _ in range(100):
        now[0] += 1
        context.default_fields()
    assert len(context.header_memo) == size


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"lifespan": "sometimes"}, "lifespan"),
        ({"timeout_lifespan_startup": 0}, "timeout_lifespan_startup"),
        ({"timeout_lifespan_shutdown": -1}, "timeout_lifespan_shutdown"),
        ({"timeout_lifespan_startup": float("nan")}, "timeout_lifespan_startup"),
        ({"max_request_body": -1}, "max_request_body"),
        ({"root_path": "api"}, "root_path"),
    ],
)
def test_wrong_settings_are_named(wrong: Any, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ExchangeSettings(**wrong)


def test_with_a_clock_the_date_is_looked_at_when_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not for each response: `open_response` takes what was seen last while the clock stands."""
    now = [784111777.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    clock = SimpleNamespace(soon=1.5)
    context = make_context(server_header=False, clock=clock)
    assert context.defaults_seen is not clock.soon
    first = context.default_fields()
    assert context.defaults is first
    assert context.defaults_seen is clock.soon
    clock.soon = 2.5
    now[0] += 1
    assert context.defaults_seen is not clock.soon
    assert context.default_fields() == ((b"date", b"Sun, 06 Nov 1994 08:49:38 GMT"),)


def test_without_a_clock_nothing_that_was_seen_is_taken() -> None:
    context = make_context()
    context.default_fields()
    assert context.clock.soon is not context.defaults_seen
