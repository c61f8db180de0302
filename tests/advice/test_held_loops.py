"""An application that blocks, on a worker as it runs, and what the log says of it."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import logging
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce.config import all_settings
from pounce_observability.advice import Advice, AdviceSettings
from pounce_observability.advice.limit_hints import _HINTS
from pounce_workers import ServingSettings, Worker, WorkerSettings, bind_tcp
from pounce_workers.serving.loop_watch import loop_watches

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPS: Final = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]
SLOW: Final = 0.1
HANGS_AFTER: Final = 20.0


def query(seconds: float) -> None:
    time.sleep(seconds)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["path"] == "/later":
        await asyncio.sleep(0.01)
    if scope["path"] != "/":
        query(3 * SLOW)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def advised_worker(loop: str) -> Iterator[tuple[Any, Advice]]:
    """Its address."""
    sock = bind_tcp("127.0.0.1", 0, 100)
    address = sock.getsockname()
    started = threading.Event()
    settings = ServingSettings(worker=WorkerSettings(loop=loop))  # type: ignore[arg-type]
    settings = dataclasses.replace(settings, exchange=dataclasses.replace(settings.exchange, lifespan="off"))
    worker = Worker(application, [sock], settings=settings, on_started=started.set, worker_id=3)  # type: ignore[arg-type]
    advice = Advice(AdviceSettings(slow_callback=SLOW), loops=loop_watches)
    advice.watch(worker, 3)
    advice.start()
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        assert started.wait(HANGS_AFTER)
        until(lambda: bool(advice.loop_lags()))
        yield address, advice
    finally:
        worker.request_stop()
        thread.join(HANGS_AFTER)
        advice.stop()


def until(what: Any) -> None:
    end = time.monotonic() + HANGS_AFTER
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


def get(address: Any, path: str) -> None:
    with socket.create_connection(address, HANGS_AFTER) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/at-once", "/later"])
@pytest.mark.parametrize("loop", LOOPS)
def test_the_line_that_blocks_and_the_request_are_named(loop: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pounce.advice"), advised_worker(loop) as (address, advice):
        # On a machine that has too much to do a call may be let off: it is not to be blamed for that.
        end = time.monotonic() + HANGS_AFTER
        while not caplog.messages and time.monotonic() < end:
            get(address, f"{path}?secret")
        assert advice.loop_lags()[0].worst >= SLOW
    text = caplog.messages[0]
    assert f"by query ({__file__}:" in text
    assert f"for GET {path} over http/1.1: all its other requests wait" in text
    assert "    time.sleep(seconds)" in text
    assert "secret" not in text
    assert "pounce_workers" not in text


@pytest.mark.parametrize("loop", LOOPS)
def test_an_application_in_order_is_not_blamed(loop: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pounce.advice"), advised_worker(loop) as (address, _):
        for _ in range(50):
            get(address, "/")
    assert caplog.messages == []


def test_what_is_advised_about_limits_names_settings_that_there_are() -> None:
    known = {setting.name for setting in all_settings()}
    reasons = {"proxy_header_timeout", "proxy_header", "tls_handshake", "ws_closing_handshake"}
    assert set(_HINTS) - known - reasons == set()
