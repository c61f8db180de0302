"""Where the time of requests goes, measured on real sockets: what takes long is where it is said to be."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import h2.config
import h2.connection
import h2.events
import pytest

from pounce_asgi import ExchangeSettings, Http2Settings
from pounce_h2 import Http2Wire
from pounce_observability.profiling import RequestProfile, RequestProfiler
from pounce_workers import Protocols, ServingSettings, Worker, bind_tcp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WAIT = 0.05
"""Seconds for which somebody lets somebody wait; and what is measured is not less. That what is *not* measured is less
than so many seconds, a busy machine does not promise: such a time is compared with all the others together.
"""
HANGS_AFTER = 15.0
LARGE = 16 << 20
"""More bytes than sockets take at once."""


class Profiled:
    """A worker of which every request is measured."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.profiles: queue.Queue[RequestProfile] = queue.Queue()
        self.sampler = RequestProfiler(1, report=self.profiles.put)
        listening = bind_tcp("127.0.0.1", 0, 100)
        self.address = listening.getsockname()
        started = threading.Event()
        self.worker = Worker(
            app,
            [listening],
            settings=ServingSettings(exchange=ExchangeSettings(lifespan="off")),
            on_started=started.set,
            protocols=Protocols(http2=lambda host, websockets: Http2Wire(host, Http2Settings(), websockets)),
            sampler=self.sampler,
        )
        self.thread = threading.Thread(target=self.worker.run, name="worker under test", daemon=True)
        self.thread.start()
        assert started.wait(HANGS_AFTER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.worker.request_stop()
        self.thread.join(HANGS_AFTER)
        assert not self.thread.is_alive()

    def connect(self) -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(HANGS_AFTER)
        client.connect(self.address)
        return client

    def profile(self) -> RequestProfile:
        return self.profiles.get(timeout=HANGS_AFTER)


async def answer(send: Any, body: bytes = b"ok") -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def ok(_scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["more_body"]:
        pass
    await answer(send)


class Large:
    """Answers with more than a client takes that does not read, in one piece or in many."""

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces
        self.stuck = threading.Event()
        """It has done what it can do: the loop turns, which it does as soon as there is something to wait for."""

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        asyncio.get_running_loop().call_soon(self.stuck.set)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(self.pieces):
            piece = bytes(LARGE // self.pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": self.pieces > 1})
        if self.pieces > 1:
            await send({"type": "http.response.body", "body": b""})


class Stopwatch:
    """How long a client has waited on purpose, and how long all took."""

    def __init__(self) -> None:
        self.waited = 0.0
        self._begun = time.perf_counter()

    def wait(self) -> None:
        begun = time.perf_counter()
        time.sleep(2 * WAIT)
        self.waited += time.perf_counter() - begun

    def read_rest(self) -> float:
        """All but what was waited on purpose."""
        return time.perf_counter() - self._begun - self.waited


def read_to_the_end(client: socket.socket) -> int:
    size = 0
    while data := client.recv(1 << 20):
        size += len(data)
    return size


REQUEST = b"GET /x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def test_a_request_in_one_piece_has_all_six_phases() -> None:
    with Profiled(ok) as profiled, profiled.connect() as client:
        before = time.perf_counter()
        client.sendall(REQUEST)
        assert read_to_the_end(client)
        profile = profiled.profile()
        whole = time.perf_counter() - before
    assert (profile.method, profile.path, profile.status, profile.protocol) == ("GET", "/x", 200, "http/1.1")
    assert profile.read is not None
    assert profile.parse is not None
    assert profile.queue is not None
    assert min(profile.parse, profile.queue, profile.app, profile.serialise) > 0
    assert profile.total <= whole


def test_a_head_that_comes_in_two_pieces_makes_read_long() -> None:
    with Profiled(ok) as profiled, profiled.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(REQUEST)
        read_to_the_end(client)
        whole = profiled.profile()
        with profiled.connect() as slow:
            slow.sendall(REQUEST[:20])
            time.sleep(2 * WAIT)  # it lies in the socket, or in the parser: the latter is to be measured
            slow.sendall(REQUEST[20:])
            read_to_the_end(slow)
            split = profiled.profile()
    assert whole.read is not None
    assert split.read is not None
    assert whole.read < WAIT < split.read


def test_a_body_that_comes_late_makes_read_long() -> None:
    called = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called.set()
        await ok(scope, receive, send)

    with Profiled(app) as profiled, profiled.connect() as client:
        watch = Stopwatch()
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
        assert called.wait(HANGS_AFTER)
        watch.wait()
        client.sendall(b"ab")
        read_to_the_end(client)
        profile = profiled.profile()
        rest = watch.read_rest()
    assert profile.read is not None
    assert profile.read >= WAIT
    assert profile.app <= rest


def test_an_application_that_takes_its_time_makes_app_long() -> None:
    called = threading.Event()
    loops: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        going_on = asyncio.Event()
        loops.append((asyncio.get_running_loop(), going_on))
        called.set()
        await going_on.wait()
        await answer(send)

    with Profiled(app) as profiled, profiled.connect() as client:
        watch = Stopwatch()
        client.sendall(REQUEST)
        assert called.wait(HANGS_AFTER)
        watch.wait()
        loop, going_on = loops[0]
        loop.call_soon_threadsafe(going_on.set)
        read_to_the_end(client)
        profile = profiled.profile()
        rest = watch.read_rest()
    assert profile.app >= watch.waited
    assert profile.serialise <= rest


@pytest.mark.parametrize("pieces", [1, 16])
def test_a_client_that_reads_late_makes_drain_long(pieces: int) -> None:
    app = Large(pieces)
    with Profiled(app) as profiled, profiled.connect() as client:
        watch = Stopwatch()
        client.sendall(REQUEST)
        assert app.stuck.wait(HANGS_AFTER)
        watch.wait()
        assert profiled.profiles.empty()
        assert read_to_the_end(client) > LARGE
        profile = profiled.profile()
        rest = watch.read_rest()
    assert profile.drain >= watch.waited
    assert profile.app <= rest
    assert not profile.aborted


def test_a_request_that_waits_behind_another_has_waited_in_queue() -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            time.sleep(2 * WAIT)  # noqa: ASYNC251 - it holds the loop up, that is the point
        await answer(send)

    with Profiled(app) as profiled, profiled.connect() as first, profiled.connect() as second:
        for client in (first, second):  # known to the loop before they are all ready at once
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(65536)
            profiled.profile()
        blocking, blocked = threading.Event(), threading.Event()
        loop = profiled.worker._loop
        assert loop is not None

        def block() -> None:
            blocking.set()
            blocked.wait(HANGS_AFTER)

        loop.call_soon_threadsafe(block)
        assert blocking.wait(HANGS_AFTER)
        first.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        second.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        blocked.set()
        waits = sorted((profiled.profile().queue or 0.0) for _ in range(2))
    assert waits[1] - waits[0] > WAIT, "the second has waited for the first, besides"


def test_over_http2_the_phases_that_belong_to_a_stream_are_told() -> None:
    app = Large(1)
    with Profiled(app) as profiled, profiled.connect() as client:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        connection.initiate_connection()
        fields = [(":method", "GET"), (":path", "/x"), (":authority", "a"), (":scheme", "http")]
        connection.send_headers(1, fields, end_stream=True)
        client.sendall(connection.data_to_send())
        ended, size, slept = False, 0, False
        while not ended:
            for event in connection.receive_data(client.recv(1 << 20)):
                if isinstance(event, h2.events.DataReceived):
                    size += len(event.data or b"")
                    connection.acknowledge_received_data(event.flow_controlled_length or 0, 1)
                ended = ended or isinstance(event, h2.events.StreamEnded)
            if size and not slept:
                slept = True
                assert app.stuck.wait(HANGS_AFTER)
                time.sleep(2 * WAIT)
            client.sendall(connection.data_to_send())
        profile = profiled.profile()
    assert size == LARGE
    assert (profile.protocol, profile.path, profile.status) == ("h2", "/x", 200)
    assert profile.parse is None
    assert profile.queue is not None
    assert profile.queue > 0
    assert profile.drain > WAIT
