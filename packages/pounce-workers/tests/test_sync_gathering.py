"""Bodies of requests to blocking applications: gathered without a thread, pulled from clients that make progress."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from responses import parse_responses
from sync_runner import Gate, RunningPool, echo_body, respond
from worker_runner import HANGS_AFTER

from pounce_asgi import Listeners
from pounce_asgi.request_body import BODY_BUFFER, RequestBody
from pounce_workers.serving import sync_gathering
from pounce_workers.serving.sync_gathering import LEAST_PROGRESS, BodyPull

if TYPE_CHECKING:
    from pounce_asgi.sync_app import SyncRequest, SyncSend

POST = b"POST /post HTTP/1.1\r\nHost: x\r\n"
LAST = b"POST /last HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nlast"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n3;why=not\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: yes\r\n\r\n"
LONG = bytes(range(256)) * 600
"""More than is gathered."""


def await_settled(running: RunningPool, connections: int = 1) -> None:
    """Wait until so many are taken in, all that they sent has been read, and nobody is being served."""
    end = time.monotonic() + HANGS_AFTER
    while True:
        members = tuple(running.pool.lot.members())
        if len(members) >= connections and all(member.parked and not member.readable() for member in members):
            return
        assert time.monotonic() < end
        time.sleep(0.0001)


def await_true(condition: Any) -> None:
    end = time.monotonic() + HANGS_AFTER
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


class Echo:
    """Answers with the body; ``calls`` are the paths."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, request: SyncRequest, send: SyncSend) -> None:
        self.calls.append(request.path)
        echo_body(request, send)


class Notes:
    """What listeners were told, by name."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        names = ("request_started", "response_started", "response_completed", "client_disconnected")
        self.listeners = Listeners(**dict.fromkeys(names, self._note))

    def _note(self, event: Any) -> None:
        self.seen.append(type(event).__name__)


# -- who owns a thread -----------------------------------------------------------------------------------------------


def test_clients_that_drip_their_bodies_hold_no_thread() -> None:
    app = Echo()
    with RunningPool(app, threads=16) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(50)]
        for number, client in enumerate(clients):
            expect = b"Expect: 100-continue\r\n" if number % 2 else b""
            client.send(POST + expect + b"Content-Length: 5\r\n\r\n")
        for byte in b"abcd":
            for client in clients:
                client.send(bytes([byte]))
            await_settled(running, 50)
            await_true(lambda: not running.pool.blocked(0))  # one may still see the last new client leave
            assert not app.calls
            with running.connect() as client:
                assert client.get("/new").status == 200
            assert app.calls == ["/new"]
            app.calls.clear()
        for number, client in enumerate(clients):
            client.send(b"e")
            if number % 2:
                client.received = client.read_until(lambda data: data.endswith(b"abcde"))
                client.received = client.received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert client.response().body == b"abcde"


@pytest.mark.parametrize("body", [b"Content-Length: 13\r\n\r\nabc0123456789", CHUNKS], ids=["length", "chunked"])
@pytest.mark.parametrize("engine", ["fast", "h11"])
def test_a_body_cut_anywhere_is_the_same_body(body: bytes, engine: str) -> None:
    wire = POST + body + LAST
    with RunningPool(echo_body, http=engine) as running, running.connect() as client:
        for cut in range(1, len(wire)):
            client.send(wire[:cut])
            await_settled(running)
            client.send(wire[cut:])
            client.read_until(lambda data: data.endswith(b"last"))
            answers = parse_responses(client.received)
            assert [(answer.status, answer.body) for answer in answers] == [(200, b"abc0123456789"), (200, b"last")]
            client.received = b""


@pytest.mark.parametrize("size", [BODY_BUFFER - 1, BODY_BUFFER, BODY_BUFFER + 1, len(LONG)])
@pytest.mark.parametrize("cut", [1, 40_000, BODY_BUFFER - 2, BODY_BUFFER])
def test_a_long_body_cut_near_the_bound_is_the_same_body(size: int, cut: int) -> None:
    body = LONG[:size]
    with RunningPool(echo_body, threads=1) as running, running.connect() as client:
        client.send(POST + b"Content-Length: %d\r\n\r\n" % size + body[:cut])
        if cut < BODY_BUFFER:
            await_settled(running)
        client.send(body[cut:] + LAST)
        client.read_until(lambda data: data.endswith(b"last"))
        first, last = parse_responses(client.received)
        assert (first.body, last.body) == (body, b"last")


def test_the_application_is_called_once_enough_waits() -> None:
    called = threading.Event()

    def app(request: SyncRequest, send: SyncSend) -> None:
        called.set()
        respond(send, b"%d" % len(request.body.read()))

    with RunningPool(app, threads=1) as running, running.connect() as client:
        client.send(POST + b"Content-Length: %d\r\n\r\n" % len(LONG) + LONG[: BODY_BUFFER - 1])
        await_settled(running)
        assert not called.is_set()
        client.send(LONG[BODY_BUFFER - 1 : BODY_BUFFER])
        assert called.wait(HANGS_AFTER)
        client.send(LONG[BODY_BUFFER:])
        assert client.response().body == b"%d" % len(LONG)


# -- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"Content-Length: 5\r\n\r\nabcd", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"])
@pytest.mark.parametrize(
    ("end", "status"), [("stalls", 408), ("leaves", 400), ("resets", 0)], ids=["stalls", "leaves", "resets"]
)
def test_a_body_that_ends_too_early_is_answered_without_the_application(body: bytes, end: str, status: int) -> None:
    app, notes = Echo(), Notes()
    stall = 0.1 if end == "stalls" else HANGS_AFTER
    with RunningPool(app, listeners=notes.listeners, timeout_body_stall=stall) as running:
        with running.connect() as client:
            client.send(POST + body)
            if end != "stalls":
                await_settled(running)
            if end == "leaves":
                client.socket.shutdown(socket.SHUT_WR)
            if end == "resets":
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            else:
                answer = client.response()
                assert (answer.status, answer.closes) == (status, True)
                assert client.at_end()
        running.empties()
    assert not app.calls
    middle = "ResponseStarted" if status else "ClientDisconnected"
    assert notes.seen == ["RequestStarted", middle, "ResponseCompleted"]


def test_a_body_stalls_while_every_worker_is_busy() -> None:
    gate = Gate()
    with RunningPool(gate, threads=1, timeout_body_stall=0.1) as running, contextlib.ExitStack() as stack:
        slow, busy = (stack.enter_context(running.connect()) for _ in range(2))
        slow.send(POST + b"Content-Length: 5\r\n\r\nabcd")
        await_settled(running, 2)
        busy.send(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        assert slow.response().status == 408
        gate.open.set()
        assert busy.response().body == b"/busy"


@pytest.mark.parametrize("body", [b"Content-Length: 11\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nB\r\n01234567890"])
@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_a_body_that_is_too_large_is_refused_before_it_is_whole(body: bytes, expect: bytes) -> None:
    app = Echo()
    with RunningPool(app, exchange={"max_request_body": 10}) as running, running.connect() as client:
        client.send(POST + expect + body)
        assert client.response().status == 413
        assert client.at_end()
        assert not app.calls


def test_100_continue_is_sent_before_the_application_is_called() -> None:
    app = Echo()
    with RunningPool(app) as running, running.connect() as client:
        client.send(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        client.read_until(lambda data: data == b"HTTP/1.1 100 Continue\r\n\r\n")
        assert not app.calls
        client.received = b""
        client.send(b"abc" + LAST)
        client.read_until(lambda data: data.endswith(b"last"))
        assert [answer.body for answer in parse_responses(client.received)] == [b"abc", b"last"]


# -- no worker in time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"limit_queue": 1}, {"timeout_queue": 1.0}], ids=["full", "late"])
def test_a_gathered_request_that_finds_no_worker_is_answered_503(options: dict[str, Any]) -> None:
    gate = Gate()
    with RunningPool(gate, threads=1, **options) as running, contextlib.ExitStack() as stack:
        slow, busy, waiting = (stack.enter_context(running.connect()) for _ in range(3))
        slow.send(POST + b"Content-Length: 5\r\n\r\nabcd")
        await_settled(running, 3)
        busy.send(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        if "limit_queue" in options:
            waiting.send(b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n")
            await_true(lambda: len(running.pool.queue) == 1)
        slow.send(b"e")
        answer = slow.response()
        assert (answer.status, answer.closes) == (503, True)
        assert b"all workers are busy" in answer.body
        assert slow.at_end()
        gate.open.set()
        assert busy.response().body == b"/busy"


# -- stopping --------------------------------------------------------------------------------------------------------


def test_a_stop_waits_for_a_body_that_is_being_gathered() -> None:
    with RunningPool(echo_body) as running, running.connect() as client:
        client.send(POST + b"Content-Length: 5\r\n\r\nabcd")
        await_settled(running)
        running.pool.request_stop()
        assert not running.join(0.1)
        client.send(b"e")
        answer = client.response()
        assert (answer.body, answer.closes) == (b"abcde", True)
        assert client.at_end()


def test_the_graceful_time_ends_for_a_body_too(caplog: pytest.LogCaptureFixture) -> None:
    app, notes = Echo(), Notes()
    with RunningPool(app, listeners=notes.listeners, graceful_timeout=0.05) as running, running.connect() as client:
        client.send(POST + b"Content-Length: 5\r\n\r\nabcd")
        await_settled(running)
        running.pool.request_stop()
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)
        assert running.join()
    assert "1 connection open and 1 request unfinished" in caplog.text
    assert not app.calls
    assert notes.seen == ["RequestStarted", "ClientDisconnected", "ResponseCompleted"]


# -- what the application pulls --------------------------------------------------------------------------------------


def test_who_drips_the_rest_of_a_long_body_is_given_up() -> None:
    ended = threading.Event()
    with RunningPool(echo_body, threads=1, timeout_body_stall=0.3) as running, running.connect() as client:
        client.send(POST + b"Content-Length: %d\r\n\r\n" % len(LONG) + LONG[:BODY_BUFFER])

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not ended.wait(0.01):
                    client.socket.send(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert client.response().status == 408
        finally:
            ended.set()
            dripping.join()


class SlowTransport:
    """Brings so many bytes after so many seconds, by a clock of its own."""

    def __init__(self, body: RequestBody, size: int, seconds: float) -> None:
        self.body, self.size, self.seconds = body, size, seconds
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def receive(self, stall: float) -> bool:
        self.now += min(self.seconds, max(stall, 0))
        if self.seconds > stall:
            return False
        self.body.feed(bytes(self.size))
        return True


@pytest.mark.parametrize(
    ("size", "seconds", "given_up"),
    [(1, 10, 30.0), (LEAST_PROGRESS // 4, 10, 30.0), (LEAST_PROGRESS // 3 + 1, 10, None), (1, 31, 30.0), (1, 0, None)],
)
def test_how_much_progress_is_enough(
    monkeypatch: pytest.MonkeyPatch, size: int, seconds: float, given_up: float | None
) -> None:
    body = RequestBody()
    transport: Any = SlowTransport(body, size, seconds)
    monkeypatch.setattr(sync_gathering, "time", SimpleNamespace(monotonic=transport.monotonic))
    pull = BodyPull(transport, 30.0, body)
    ended = any(not pull() for _ in range(1000))
    assert (transport.now if ended else None) == given_up
