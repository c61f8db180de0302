"""Clients that are slow, silent or stuck, against limits short enough to watch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pounce_testing.fixtures import everywhere, where_bodies_are_not_gathered
from tests.end_to_end import applications

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

LIMIT = 0.3
PATIENCE = 5.0
"""Deadlines are looked at on a coarse tick, and the machine may be busy; far below any default."""

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@everywhere
def test_idle_connection_is_closed(serve_shared: Serve) -> None:
    with serve_shared(applications.REPORT, timeout_keep_alive=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(GET)
        assert client.read_response().status == 200
        begun = time.monotonic()
        assert client.at_end()
        assert time.monotonic() - begun >= LIMIT * 0.9


@everywhere
@pytest.mark.parametrize("begun", [b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_head_that_does_not_end(serve_shared: Serve, begun: bytes) -> None:
    with serve_shared(applications.REPORT, timeout_request_head=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(begun)
        (response,) = client.read_all_responses()
        assert (response.status, response.closes) == (408, True)


@everywhere
def test_connection_that_says_nothing_is_closed_without_an_answer(serve_shared: Serve) -> None:
    """A browser opens connections that it may need: such a one is idle, not slow."""
    with serve_shared(applications.REPORT, timeout_keep_alive=LIMIT).connect(timeout=PATIENCE) as client:
        assert client.at_end()


@everywhere
def test_head_in_drops_has_one_limit_in_all(serve_shared: Serve) -> None:
    """A byte now and then does not extend the time for a head (slowloris)."""
    with serve_shared(applications.REPORT, timeout_request_head=LIMIT).connect(timeout=PATIENCE) as client:
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE:
            client.send_as_far_as_taken([b"G" if time.monotonic() == begun else b"x"])
            client.socket.settimeout(0.02)
            try:
                wire = client.read_some()
            except TimeoutError:
                continue
            break
        else:
            pytest.fail("the head went on for ever")
        assert wire.startswith(b"HTTP/1.1 408 ")


@where_bodies_are_not_gathered
def test_body_that_stalls(serve_shared: Serve, signals: Signals) -> None:
    with serve_shared(applications.CASES, timeout_body_stall=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(b"POST /read?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345" % signals.query)
        (response,) = client.read_all_responses()
        assert (response.status, response.closes) == (408, True)
        assert signals.wait("read") == "cut off"


@everywhere
def test_body_that_goes_on_may_take_its_time(serve_shared: Serve, signals: Signals) -> None:
    pieces = 40
    head = b"POST /read?%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (signals.query, pieces)
    with serve_shared(applications.CASES, timeout_body_stall=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(head)
        client.socket.settimeout(LIMIT / 20)
        for _ in range(pieces - 1):  # twice the limit in all
            client.send(b".")
            with pytest.raises(TimeoutError):
                client.at_end()
        client.socket.settimeout(PATIENCE)
        client.send(b".")
        assert client.read_response().body == b"." * pieces


@everywhere
def test_client_that_reads_nothing_is_given_up(serve_shared: Serve, signals: Signals) -> None:
    with serve_shared(applications.CASES, timeout_write_stall=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(b"GET /endless?%s HTTP/1.1\r\nHost: x\r\n\r\n" % signals.query)
        assert int(signals.wait("gone")) < applications.ENDLESS // 10
