"""Clients that are slow, silent or stuck, against limits short enough to watch."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end import applications
from tests.end_to_end.applications import answer, read_body

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve

LIMIT = 0.3
PATIENCE = 5.0
"""Deadlines are looked at on a coarse tick, and the machine may be busy; far below any default."""

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_idle_connection_is_closed(serve: Serve) -> None:
    with serve(applications.report, timeout_keep_alive=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(GET)
        assert client.read_response().status == 200
        begun = time.monotonic()
        assert client.at_end()
        assert time.monotonic() - begun >= LIMIT * 0.9


@pytest.mark.parametrize("begun", [b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_head_that_does_not_end(serve: Serve, begun: bytes) -> None:
    with serve(applications.report, timeout_request_head=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(begun)
        (response,) = client.read_all_responses()
        assert (response.status, response.closes) == (408, True)


def test_connection_that_says_nothing_is_closed_without_an_answer(serve: Serve) -> None:
    """A browser opens connections that it may need: such a one is idle, not slow."""
    with serve(applications.report, timeout_keep_alive=LIMIT).connect(timeout=PATIENCE) as client:
        assert client.at_end()


def test_head_in_drops_has_one_limit_in_all(serve: Serve) -> None:
    """A byte now and then does not extend the time for a head (slowloris)."""
    with serve(applications.report, timeout_request_head=LIMIT).connect(timeout=PATIENCE) as client:
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


def test_body_that_stalls(serve: Serve) -> None:
    seen: list[bytes | None] = []
    done = threading.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        seen.append(await read_body(receive))
        done.set()

    with serve(app, timeout_body_stall=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        (response,) = client.read_all_responses()
        assert (response.status, response.closes) == (408, True)
        assert done.wait(PATIENCE)
    assert seen == [None]


def test_body_that_goes_on_may_take_its_time(serve: Serve) -> None:
    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await answer(send, await read_body(receive) or b"")

    pieces = 40
    with serve(app, timeout_body_stall=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % pieces)
        client.socket.settimeout(LIMIT / 20)
        for _ in range(pieces - 1):  # twice the limit in all
            client.send(b".")
            with pytest.raises(TimeoutError):
                client.at_end()
        client.socket.settimeout(PATIENCE)
        client.send(b".")
        assert client.read_response().body == b"." * pieces


def test_client_that_reads_nothing_is_given_up(serve: Serve) -> None:
    ended: list[BaseException] = []
    done = threading.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(1000):
                await send({"type": "http.response.body", "body": b"x" * 262_144, "more_body": True})
        except OSError as error:
            ended.append(error)
        done.set()

    with serve(app, timeout_write_stall=LIMIT).connect(timeout=PATIENCE) as client:
        client.send(GET)
        assert done.wait(PATIENCE)
    assert len(ended) == 1
