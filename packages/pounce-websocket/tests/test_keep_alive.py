"""When a client is pinged and when it is given up, without a clock."""

from __future__ import annotations

import pytest

from pounce_asgi import WebSocketSettings
from pounce_websocket.keep_alive import NEVER, KeepAlive, Sign


def keep_alive(interval: float | None, timeout: float | None) -> KeepAlive:
    return KeepAlive(WebSocketSettings(ws_ping_interval=interval, ws_ping_timeout=timeout), 100.0)


@pytest.mark.parametrize(("timeout", "next_ping"), [(5.0, 140.0), (20.0, 140.0), (50.0, 170.0)])
def test_a_client_that_answers(timeout: float, next_ping: float) -> None:
    pings = keep_alive(20.0, timeout)
    assert pings.deadline == 120.0
    assert pings.look(120.0, listening=True) is Sign.PING
    assert pings.deadline == 120.0 + timeout
    pings.heard = True
    assert pings.look(120.0 + timeout, listening=True) is Sign.NOTHING
    assert pings.deadline == next_ping
    assert pings.look(next_ping, listening=True) is Sign.PING


def test_a_client_that_was_heard_before_the_ping_only() -> None:
    pings = keep_alive(20.0, 5.0)
    pings.heard = True
    assert pings.look(120.0, listening=True) is Sign.PING
    assert pings.look(125.0, listening=False) is Sign.NOTHING
    assert pings.deadline == 130.0
    assert pings.look(130.0, listening=True) is Sign.VANISHED
    assert pings.deadline == NEVER


def test_without_a_timeout_or_an_interval() -> None:
    pings = keep_alive(20.0, None)
    assert [pings.look(120.0, listening=True), pings.look(140.0, listening=True)] == [Sign.PING] * 2
    assert pings.deadline == 160.0
    pings = keep_alive(None, 5.0)
    assert pings.deadline == NEVER
    assert pings.look(1e9, listening=True) is Sign.NOTHING
