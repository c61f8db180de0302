"""A pool of blocking workers: who waits where and for how long, and who hands connections over."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from sync_runner import Gate, RunningPool, echo_body, echo_path, read_to_end, respond
from worker_runner import HANGS_AFTER, Inlet

from pounce_workers import bind_tcp
from pounce_workers.net import accept_distributor, parking
from pounce_workers.net.one_shot import PolledOneShot
from pounce_workers.net.readiness import SelectReadiness
from pounce_workers.serving import sync_worker_pool

if TYPE_CHECKING:
    import socket

    from pounce_asgi.sync_app import SyncRequest, SyncSend


# -- waiting ---------------------------------------------------------------------------------------------------------


def test_idle_and_silent_connections_own_no_thread() -> None:
    with RunningPool(echo_path) as running, contextlib.ExitStack() as stack:
        for number in range(2050):
            client = stack.enter_context(running.connect())
            if number < 50:
                client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Half")
        # The last of them has been answered, so all of them have been taken in.
        assert client.get("/last").body == b"/last"
        assert running.pool.load == 2050
        times = []
        for _ in range(5):
            began = time.monotonic()
            with running.connect() as client:
                assert client.get("/new").body == b"/new"
            times.append(time.monotonic() - began)
        # The fastest: on a machine that is busy with something else any of them may have to wait for a processor.
        assert min(times) < 0.05, times


def test_a_head_that_takes_too_long_is_answered_408_and_an_idle_connection_closed() -> None:
    with RunningPool(echo_path, timeout_request_head=0.1, timeout_keep_alive=0.1) as running:
        with running.connect() as silent, running.connect() as half, running.connect() as idle:
            half.send(b"GET / HTTP/1.1\r\n")
            assert idle.get().status == 200
            assert half.response().status == 408
            for client in (silent, half, idle):
                assert client.at_end()
        running.empties()


def test_a_head_that_takes_too_long_while_every_worker_is_busy() -> None:
    gate = Gate()
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(RunningPool(gate, threads=1, timeout_request_head=0.1))
        half, busy = (stack.enter_context(running.connect()) for _ in range(2))
        half.send(b"GET / HTTP/1.1\r\n")
        busy.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        assert half.response().status == 408
        gate.open.set()
        assert busy.response().status == 200


def test_a_body_that_stalls_is_answered_408() -> None:
    with RunningPool(echo_body, timeout_body_stall=0.1) as running, running.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert client.response().status == 408
        assert client.at_end()


def test_time_that_the_application_takes_is_not_the_clients() -> None:
    slept = threading.Event()

    def app(request: SyncRequest, send: SyncSend) -> None:
        slept.wait(0.3)  # longer than the body may stall
        respond(send, request.body.read())

    with RunningPool(app, timeout_body_stall=0.2) as running, running.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        client.send(b"def")
        assert client.response().body == b"abcdef"


def test_a_client_that_reads_nothing_is_given_up() -> None:
    seen: list[BaseException] = []
    told = threading.Event()

    def app(request: SyncRequest, send: SyncSend) -> None:
        try:
            send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        except OSError as error:
            seen.append(error)
            told.set()
            raise

    with RunningPool(app, timeout_write_stall=0.2) as running, running.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert told.wait(HANGS_AFTER)
        with pytest.raises(ConnectionResetError):
            read_to_end(client)


def test_past_the_queue_the_answer_is_503() -> None:
    gate = Gate()
    with RunningPool(gate, threads=1, limit_queue=2) as running, contextlib.ExitStack() as stack:
        busy, *waiting = (stack.enter_context(running.connect()) for _ in range(3))
        busy.send(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        for client in waiting:
            client.send(b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n")
        while len(running.pool.queue) < 2:
            time.sleep(0.001)
        with running.connect() as client:
            answer = client.get("/refused")
            assert (answer.status, answer.closes) == (503, True)
            assert b"all workers are busy" in answer.body
            assert client.at_end()
        # A head that is not whole finds no worker either, and may when its rest comes.
        later = stack.enter_context(running.connect())
        later.send(b"GET /later HTTP/1.1\r\n")
        gate.open.set()
        assert busy.response().body == b"/busy"
        assert [client.response().body for client in waiting] == [b"/waits"] * 2
        later.send(b"Host: x\r\n\r\n")
        assert later.response().body == b"/later"


def test_who_has_waited_too_long_is_answered_503() -> None:
    gate = Gate()
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(RunningPool(gate, threads=1, timeout_queue=0.1))
        busy, client = (stack.enter_context(running.connect()) for _ in range(2))
        busy.send(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        answer = client.get("/waits")
        assert answer.status == 503
        assert b"all workers are busy" in answer.body
        gate.open.set()
        assert busy.response().body == b"/busy"


def test_it_works_where_only_the_parking_thread_may_change_what_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "new_one_shot", lambda: PolledOneShot(SelectReadiness()))
    with RunningPool(echo_path) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(20)]
        for number in range(200):
            assert clients[number % 20].get(f"/{number}").body == b"/%d" % number
        running.pool.request_stop()
        for client in clients:
            assert client.at_end()


def test_connections_past_the_limit_are_answered_503() -> None:
    with RunningPool(echo_path, limit_concurrency=1) as running, running.connect() as client:
        assert client.get().status == 200
        with running.connect() as other:
            answer = other.get()
            assert (answer.status, answer.closes) == (503, True)
            assert b"too many connections" in answer.body


def test_one_pipelining_client_does_not_starve_the_others() -> None:
    with RunningPool(echo_path, threads=1) as running, running.connect() as greedy, running.connect() as other:
        greedy.send(b"GET /greedy HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        assert other.get("/other").body == b"/other"
        greedy.read_until(lambda data: data.count(b"/greedy") == 400)


# -- hand-over -------------------------------------------------------------------------------------------------------


def test_hand_over_is_bounded_and_says_when_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_worker_pool, "HAND_OVERS", 3)
    running = RunningPool(echo_path, accepts=False)
    inlet = Inlet(running.pool)
    # It does not run yet, so nothing is taken in.
    made = [inlet.connect() for _ in range(4)]
    assert [taken for taken, _ in made] == [True, True, True, False]
    assert running.pool.load == 3
    assert not inlet.told.is_set()
    with running:
        assert inlet.told.wait(HANGS_AFTER)
        for _, client in made[:3]:
            assert client.get("/x").body == b"/x"
        sock = inlet.kept.pop()
        assert running.pool.hand_over(sock, None, None)
        assert made[3][1].get("/y").body == b"/y"
    assert not running.pool.hand_over(sock, None, None), "after the end it takes nobody"
    for _, client in made:
        client.socket.close()


def test_pools_that_share_a_socket_leave_each_other_the_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []

    class Acceptor(accept_distributor.Acceptor):  # type: ignore[misc,name-defined]
        __slots__ = ()

        def __init__(self, sock: socket.socket, **options: Any) -> None:
            told.append(options["shared"])
            super().__init__(sock, **options)

    def app_of(name: str) -> Any:
        return lambda _, send: respond(send, name.encode())

    monkeypatch.setattr(accept_distributor, "Acceptor", Acceptor)

    sock = bind_tcp("127.0.0.1", 0, 64)
    options = {"shared_sockets": True}
    first = RunningPool(app_of("first"), sock=sock.dup(), options=options)
    second = RunningPool(app_of("second"), sock=sock.dup(), options=options)
    with sock, second:
        with first:
            first.pool.retire()
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(second.connect()) for _ in range(20)]
                for client in clients:
                    answer = client.get()  # the first may have accepted some of them, and tells them to come again
                    assert (answer.body, answer.closes) in ((b"first", True), (b"second", False))
            assert first.join()
        for _ in range(5):
            with second.connect() as client:
                assert client.get().body == b"second"
    assert told == [True, True]
