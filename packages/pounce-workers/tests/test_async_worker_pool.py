"""Threads that serve an ASGI application one request at a time each, and connections that own none of them."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from async_runner import Gates, RunningAsyncPool, Scope, by_path, respond
from responses import parse_responses
from worker_runner import HANGS_AFTER, every_loop

from pounce_asgi import (
    ConnectionClosed,
    ConnectionOpened,
    Listeners,
    ResponseCompleted,
    Subscriber,
)

if TYPE_CHECKING:
    from worker_runner import Client

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SSE = "Accept: text/event-stream"


async def echo(scope: Scope, receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    await respond(send, body)


async def path(scope: Scope, receive: Any, send: Any) -> None:
    await respond(send, scope["path"].encode())


@every_loop
def test_idle_and_half_received_connections_own_no_thread(loop: str) -> None:
    with RunningAsyncPool(by_path(), 1, loop=loop) as running:
        idle = [running.connect() for _ in range(100)]
        half = [running.connect() for _ in range(20)]
        for client in half:
            client.send(GET[:20])
        for client in idle[:10]:
            assert client.get().status == 200
        with running.connect() as new:
            assert new.get().status == 200
        for client in half:
            client.send(GET[20:])
        assert [client.response().status for client in half] == [200] * 20
        assert len(running.pool.threads) == 2
        for client in (*idle, *half):
            client.socket.close()
        running.empties()
        assert running.pool.requests_served == 31


@every_loop
def test_requests_that_block_hold_up_their_threads_only(loop: str) -> None:
    gates = Gates()
    with RunningAsyncPool(by_path(block=gates.block), 3, loop=loop) as running:
        clients = [running.connect() for _ in range(2)]
        for client in clients:
            client.send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        gates.await_entries(2)
        with running.connect() as other:
            assert {other.get().body for _ in range(5)} <= {thread.name.encode() for thread in running.pool.threads}
        gates.open.set()
        assert len({client.response().body for client in clients}) == 2
        for client in clients:
            client.socket.close()


def test_what_is_sent_ahead_is_answered_in_order() -> None:
    with RunningAsyncPool(path, 2) as running, running.connect() as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(200)))
        client.read_until(lambda data: data.count(b"HTTP/1.1 200") == 200 and data.endswith(b"/199"))
        assert [response.body for response in parse_responses(client.received)] == [b"/%d" % n for n in range(200)]
        assert running.pool.requests_served == 200


@every_loop
def test_the_body_of_a_request_that_was_sent_ahead_may_come_later(loop: str) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
    with RunningAsyncPool(echo, 1, loop=loop) as running, running.connect() as client:
        for _ in range(20):
            client.send(head + b"one." + head + b"tw")
            assert client.response().body == b"one."
            client.send(b"o.")
            assert client.response().body == b"two."


def test_what_is_sent_ahead_gives_way_to_others() -> None:
    gates = Gates()
    with RunningAsyncPool(by_path(block=gates.block, path=path), 1) as running, running.connect() as greedy:
        greedy.send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n" + GET * 500)
        gates.await_entries(1)
        with running.connect() as other:
            other.send(GET)
            running.comes_true(lambda: len(running.pool._crew.queue) == 1, lambda: "nobody waits")
            gates.open.set()
            assert other.response().status == 200
        greedy.read_until(lambda data: data.count(b"HTTP/1.1 200") == 501)


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("pieces", [1, 7])
def test_bodies(framing: str, pieces: int) -> None:
    body = bytes(range(256)) * 1024
    sent = body if framing == "length" else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    field = f"Content-Length: {len(body)}" if framing == "length" else "Transfer-Encoding: chunked"
    wire = f"POST / HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n".encode() + sent
    with RunningAsyncPool(echo, 1) as running, running.connect() as client:
        for _ in range(2):
            step = len(wire) // pieces + 1
            for start in range(0, len(wire), step):
                client.send(wire[start : start + step])
            assert client.response().body == body


def test_the_rest_of_an_unwanted_body_owns_no_thread() -> None:
    with RunningAsyncPool(path, 1) as running, running.connect() as client:
        client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n0123456789")
        assert client.response().body == b"/a"
        with running.connect() as other:
            assert other.get("/b").body == b"/b"
        client.send(b"0123456789")
        assert client.get("/c").body == b"/c"


def test_a_client_that_reads_slowly_owns_no_thread_once_its_answer_is_given() -> None:
    async def large(scope: Scope, receive: Any, send: Any) -> None:
        await respond(send, bytes(8 << 20))

    with RunningAsyncPool(by_path(large=large), 1, limit_pool_threads=0) as running, running.connect() as slow:
        slow.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        slow.socket.recv(1)
        with running.connect() as other:
            assert other.get().status == 200
        left = 8 << 20
        while left > 0:
            left -= len(slow.socket.recv(1 << 20))
        running.comes_true(lambda: running.pool.load == 1, lambda: "the other is still there")
        slow.received = b""
        assert slow.get().status == 200


def test_a_request_that_finds_no_thread_in_time_is_answered_503() -> None:
    gates = Gates()
    app = by_path(block=gates.block)
    with RunningAsyncPool(app, 1, timeout_queue=0.05) as running, running.connect() as client:
        client.send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        gates.await_entries(1)
        with running.connect() as other:
            response = other.get()
            assert response.status == 503
            assert b"busy" in response.body
            assert other.at_end()
        gates.open.set()
        assert client.response().status == 200
        assert client.get().status == 200


def test_a_request_that_finds_the_queue_full_is_answered_503_at_once() -> None:
    gates = Gates()
    with RunningAsyncPool(by_path(block=gates.block), 1, limit_queue=1) as running:
        clients = [running.connect() for _ in range(3)]
        clients[0].send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        gates.await_entries(1)
        clients[1].send(GET)
        running.comes_true(lambda: len(running.pool._crew.queue) == 1, lambda: "nobody waits")
        assert clients[2].get().status == 503
        gates.open.set()
        assert [client.response().status for client in clients[:2]] == [200, 200]
        for client in clients:
            client.socket.close()
        running.empties()


def test_the_server_has_as_many_connections_as_it_may() -> None:
    with RunningAsyncPool(path, 2, limit_concurrency=2) as running:
        with running.connect() as first, running.connect() as second, running.connect() as third:
            assert first.get().status == second.get().status == 200
            assert third.get().status == 503
            assert first.get().status == 200
        running.empties()
        with running.connect() as next_one:
            assert next_one.get().status == 200


def test_a_connection_has_as_many_requests_as_it_may() -> None:
    with RunningAsyncPool(path, 2, limit_connection_requests=3) as running, running.connect() as client:
        assert [client.get().get(b"connection") for _ in range(3)] == [None, None, b"close"]
        assert client.at_end()


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"GET / HTTP/1.1\r\n\r\n", 400), (b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: x", 408)],
)
def test_heads_that_are_refused(sent: bytes, status: int) -> None:
    with RunningAsyncPool(path, 1, timeout_request_head=0.1) as running, running.connect() as client:
        client.send(sent)
        assert client.response().status == status
        assert client.at_end()
        assert running.pool.requests_served == 0


def test_idle_connections_are_closed_in_time() -> None:
    with RunningAsyncPool(path, 1, timeout_keep_alive=0.1) as running, running.connect() as client:
        assert client.get().status == 200
        assert client.at_end()
        running.empties()


@pytest.mark.parametrize(
    "lines", [(SSE,), ("Accept: TEXT/Event-Stream, */*",), ("Connection: upgrade", "Upgrade: websocket")]
)
def test_what_is_known_to_be_long_starts_on_the_shared_loop(lines: tuple[str, ...]) -> None:
    with RunningAsyncPool(by_path(), 2) as running, running.connect() as client:
        assert client.get("/", *lines).body == b"pounce-async-1"
        assert client.get("/", "Accept: text/html").body != b"pounce-async-1"
        assert client.get("/", *lines).body == b"pounce-async-1"
        client.send(GET + f"GET / HTTP/1.1\r\nHost: x\r\n{SSE}\r\n\r\n".encode() + GET)
        client.read_until(lambda data: data.count(b"pounce-async-") == 3)
        first, second, third = parse_responses(client.received)
        assert second.body == b"pounce-async-1"
        assert b"pounce-async-1" not in {first.body, third.body}


def test_the_shared_loop_is_held_up_by_no_front() -> None:
    gates = Gates()
    with RunningAsyncPool(by_path(block=gates.block), 1) as running, running.connect() as client:
        client.send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        gates.await_entries(1)
        with running.connect() as other:
            assert other.get("/", SSE).body == b"pounce-async-1"
        gates.open.set()
        assert client.response().status == 200


def test_every_request_gets_the_state() -> None:
    async def state(scope: Scope, receive: Any, send: Any) -> None:
        scope["state"]["own"] = True
        await respond(send, scope["state"]["pool"])

    given = {"pool": b"of lifespan"}
    with RunningAsyncPool(state, 2, state=given) as running, running.connect() as client:
        assert client.get().body == client.get("/", SSE).body == b"of lifespan"
    assert given == {"pool": b"of lifespan"}


def test_listeners_hear_of_connections_and_responses_once() -> None:
    lock = threading.Lock()
    seen: list[Any] = []

    def note(event: Any) -> None:
        with lock:
            seen.append(event)

    listeners = Listeners.of(Subscriber(note, ConnectionOpened, ConnectionClosed, ResponseCompleted))
    with RunningAsyncPool(path, 2, listeners=listeners) as running:
        for _ in range(3):
            with running.connect() as client:
                client.get("/a")
                client.get("/b", SSE)
        running.empties()
    kinds = [type(event) for event in seen]
    assert [kinds.count(kind) for kind in (ConnectionOpened, ConnectionClosed, ResponseCompleted)] == [3, 3, 6]
    assert [event.requests for event in seen if isinstance(event, ConnectionClosed)] == [2, 2, 2]


# -- the end ---------------------------------------------------------------------------------------------------------


def requests_in_flight(running: RunningAsyncPool, gates: Gates, *paths: str) -> list[Client]:
    clients = [running.connect() for _ in paths]
    for client, target in zip(clients, paths, strict=True):
        client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    gates.await_entries(len(paths))
    return clients


@every_loop
def test_a_stop_closes_what_is_idle_and_finishes_what_is_in_flight(loop: str) -> None:
    gates = Gates()
    app = by_path(block=gates.block, wait=gates.wait)
    with RunningAsyncPool(app, 3, async_limit=0.02, loop=loop) as running:
        idle, clients = running.connect(), requests_in_flight(running, gates, "/block", "/wait", "/wait")
        running.threads_are(6)
        running.pool.request_stop()
        assert idle.at_end()
        running.comes_true(lambda: running.pool._crew.draining, lambda: "it does not stop")
        gates.open.set()
        for client in clients:
            response = client.response()
            assert (response.status, response.get(b"connection")) == (200, b"close")
            assert client.at_end()
        assert running.join()
        assert len(gates.calls) == 3
        for client in (idle, *clients):
            client.socket.close()


def test_a_request_that_waits_for_a_thread_is_answered_before_the_end() -> None:
    gates = Gates()
    with RunningAsyncPool(by_path(block=gates.block), 1) as running:
        (client,) = requests_in_flight(running, gates, "/block")
        with running.connect() as other:
            other.send(GET)
            running.comes_true(lambda: len(running.pool._crew.queue) == 1, lambda: "nobody waits")
            running.pool.request_stop()
            running.comes_true(lambda: running.pool._crew.draining, lambda: "it does not stop")
            gates.open.set()
            response = other.response()
            assert (response.status, response.get(b"connection")) == (200, b"close")
        assert client.response().status == 200
        client.socket.close()


def test_a_thread_that_does_not_end_is_shown_and_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    gates = Gates()
    running = RunningAsyncPool(by_path(block=gates.block), 1)
    with caplog.at_level(logging.WARNING), running:
        (client,) = requests_in_flight(running, gates, "/block")
        running.pool.request_stop()
        running.pool.request_stop()
        assert running.join()
        assert "is left behind" in caplog.text
        assert "in block" in caplog.text  # its stack
        (thread,) = running.pool.threads
        gates.open.set()
        running.comes_true(lambda: not thread.is_alive(), lambda: "the thread is still there")
        client.socket.close()


def test_an_application_that_ends_the_process() -> None:
    async def leave(scope: Scope, receive: Any, send: Any) -> None:
        raise SystemExit(3)

    running = RunningAsyncPool(by_path(leave=leave), 2, graceful_timeout=0.1)
    with running, running.connect() as client:
        client.send(b"GET /leave HTTP/1.1\r\nHost: x\r\n\r\n")
        error = running.take_error()
        assert isinstance(error, SystemExit)
        assert error.code == 3


def test_idle_connections_move_when_it_makes_way() -> None:
    gates = Gates()
    moved: list[socket.socket] = []
    came = threading.Semaphore(0)

    def move_to(sock: socket.socket, peer: Any, local: Any) -> None:
        moved.append(sock)
        came.release()

    with RunningAsyncPool(by_path(block=gates.block), 2) as running:
        clients = requests_in_flight(running, gates, "/block")
        idle = [running.connect() for _ in range(5)]
        for client in idle:
            assert client.get().status == 200
        running.pool.retire(move_to)
        for _ in idle:
            assert came.acquire(timeout=HANGS_AFTER)
        gates.open.set()
        response = clients[0].response()
        assert (response.status, response.get(b"connection")) == (200, None)
        assert came.acquire(timeout=HANGS_AFTER)
        assert running.join()
        assert len(moved) == 6
        for client in (*clients, *idle):
            client.socket.close()
        for sock in moved:
            sock.close()


def test_clients_are_told_when_it_makes_way_and_they_cannot_move() -> None:
    with RunningAsyncPool(path, 2, drain_idle=0.1) as running:
        busy, idle = running.connect(), running.connect()
        assert busy.get().status == idle.get().status == 200
        running.pool.retire()
        assert idle.at_end()
        assert running.join()
        for client in (busy, idle):
            client.socket.close()


def test_connections_are_handed_over() -> None:
    with RunningAsyncPool(path, 2) as running:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        assert running.pool.hand_over(theirs, None, None)
        ours.settimeout(HANGS_AFTER)
        ours.sendall(b"GET /pair HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while data := ours.recv(4096):
            received += data
        assert received.endswith(b"/pair")
        ours.close()
    assert not running.pool.hand_over(theirs, None, None)
