"""How a pool of blocking workers ends: stopped, or making way for another."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from responses import parse_responses
from sync_runner import Gate, RunningPool, echo_path, read_to_end, respond
from worker_runner import HANGS_AFTER, Inlet

if TYPE_CHECKING:
    import socket

    from pounce_asgi.sync_app import SyncRequest, SyncSend


def test_a_stop_closes_idle_connections_and_waits_for_the_others() -> None:
    gate = Gate()
    with RunningPool(gate) as running, running.connect() as idle, running.connect() as busy:
        assert idle.get("/free").status == 200
        busy.send(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        running.pool.request_stop()
        assert idle.at_end()
        gate.open.set()
        answer = busy.response()
        assert (answer.body, answer.closes) == (b"/busy", True)
        assert busy.at_end()
        assert running.join()
        with pytest.raises(OSError, match=r"refused|reset"):
            running.connect()


def test_what_was_sent_before_the_stop_is_answered() -> None:
    gate = Gate()
    with RunningPool(gate, threads=1) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(20)]
        for client in clients:
            client.send(b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        running.pool.request_stop()
        gate.open.set()
        assert [client.response().body for client in clients] == [b"/waits"] * 20


def test_a_blocked_worker_is_told_of_and_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    with RunningPool(gate, threads=1, graceful_timeout=0.05) as running, running.connect() as client:
        client.send(b"GET /blocks HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        (worker,) = running.pool.blocked(0)
        assert not running.pool.blocked(60)
        assert "__call__" in worker.stack()
        running.pool.request_stop()
        assert running.join()
        assert "pounce-sync-1 does not end" in caplog.text
        gate.open.set()
        assert worker.join(HANGS_AFTER)
        assert running.pool.load == 0


def test_a_second_stop_does_not_wait() -> None:
    sending = threading.Event()

    def app(request: SyncRequest, send: SyncSend) -> None:
        send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
            sending.set()

    def reads(request: SyncRequest, send: SyncSend) -> None:
        sending.set()
        request.body.read()

    for handler, request in (
        (app, b"GET / HTTP/1.0\r\n\r\n"),
        (reads, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + bytes(65536)),
    ):
        sending.clear()
        with RunningPool(handler) as running, running.connect() as client:
            client.send(request)
            assert sending.wait(HANGS_AFTER)
            running.pool.request_stop()
            running.pool.request_stop()
            assert running.join(3)
            assert all(worker.join(0) for worker in running.pool.workers)
            assert running.pool.load == 0
            if handler is app:
                with pytest.raises(ConnectionResetError):
                    read_to_end(client)


def test_a_stop_is_told_by_a_request_that_begins_after_it() -> None:
    """It was sent ahead, and the worker goes on with it where it may: its answer says that it is the last."""
    gates = {path: threading.Event() for path in ("/stream", "/last")}
    entered = {path: threading.Event() for path in gates}

    def app(request: SyncRequest, send: SyncSend) -> None:
        if request.path == "/stream":
            send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            send({"type": "http.response.body", "body": b"1", "more_body": True})
        entered[request.path].set()
        assert gates[request.path].wait(HANGS_AFTER)
        if request.path == "/stream":
            send({"type": "http.response.body", "body": b"2"})
        else:
            respond(send)

    with RunningPool(app, threads=1, graceful_timeout=60) as running, running.connect() as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /last HTTP/1.1\r\nHost: x\r\n\r\n")
        assert entered["/stream"].wait(HANGS_AFTER)
        running.pool.request_stop()
        while not running.pool.connections.draining:
            time.sleep(0.001)
        gates["/stream"].set()
        assert entered["/last"].wait(HANGS_AFTER)
        (connection,) = running.pool.connections
        end = time.monotonic() + HANGS_AFTER
        while connection._keep_alive:
            assert time.monotonic() < end, "nobody tells it"
            time.sleep(0.001)
        gates["/last"].set()
        first, last = parse_responses(client.read_until(lambda data: data.endswith(b"ok")))
        assert (first.closes, last.closes) == (False, True)
        assert client.at_end()


def test_a_stop_ends_a_connection_on_which_requests_never_cease() -> None:
    """What a client sends ahead goes on while nobody else waits for the worker: until an answer says that it is the
    last."""
    request = b"GET /again HTTP/1.1\r\nHost: x\r\n\r\n"
    with RunningPool(echo_path, threads=1, graceful_timeout=60) as running:
        with running.connect() as client:
            client.send(request * 400)
            client.read_until(lambda data: data.count(b"/again") >= 20)
            running.pool.request_stop()
            with contextlib.suppress(ConnectionError):
                while client.socket.recv(4096):
                    client.send(request * 20)
        assert running.join()


@pytest.mark.parametrize("ending", [SystemExit(3), KeyboardInterrupt()])
def test_an_application_may_end_the_process(ending: BaseException) -> None:
    def app(request: SyncRequest, send: SyncSend) -> None:
        raise ending

    with RunningPool(app) as running, running.connect() as client:
        assert client.get().status == 500
        assert running.take_error() is ending


def test_retiring_moves_idle_connections_and_loses_no_request() -> None:
    old_gate = Gate()
    new = RunningPool(echo_path, accepts=False)
    with RunningPool(old_gate) as old, new:
        inlet = Inlet(old.pool)
        (_, idle), (_, busy), (_, half) = (inlet.connect() for _ in range(3))
        assert idle.get("/free").body == b"/free"
        busy.send(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        half.send(b"GET /fr")
        old_gate.await_entries(1)

        def move(sock: socket.socket, peer: Any, local: Any) -> None:
            assert new.pool.hand_over(sock, peer, local)

        old.pool.retire(move)
        while new.pool.load < 1:
            time.sleep(0.001)
        assert idle.get("/new").body == b"/new"
        half.send(b"ee HTTP/1.1\r\nHost: x\r\n\r\n")
        assert half.response().body == b"/free"
        old_gate.open.set()
        answer = busy.response()
        assert (answer.body, answer.closes) == (b"/busy", False)
        assert old.join()
        assert old.pool.load == 0
        for client in (busy, half, idle):
            assert client.get("/again").body == b"/again"
            client.socket.close()
        assert set(old_gate.threads) <= {"pounce-sync-1", "pounce-sync-2"}


def test_retiring_without_a_successor_in_reach_tells_clients_with_their_next_answer() -> None:
    with RunningPool(echo_path, drain_idle=60) as running, running.connect() as first, running.connect() as second:
        assert not first.get().closes
        assert not second.get().closes
        running.pool.retire()
        for client in (first, second):
            assert client.get().closes
            assert client.at_end()
        assert running.join()


def test_retiring_closes_connections_that_are_idle_for_long() -> None:
    with RunningPool(echo_path, drain_idle=0.05) as running, running.connect() as client:
        assert not client.get().closes
        running.pool.retire()
        assert client.at_end()
        assert running.join()
