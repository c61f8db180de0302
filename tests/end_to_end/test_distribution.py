"""How several workers come by their connections: by one thread that hands them out, or each on sockets of its own."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce import BindError
from pounce_asgi import ConfigError
from pounce_testing import TestServer, Variant
from pounce_testing.fixtures import over
from pounce_workers.net import listeners
from tests.end_to_end import applications
from tests.end_to_end.process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing import RawClient
    from pounce_testing.fixtures import Serve

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections over sockets of one port")

THREADS: Final = Variant(name="threads", settings={"worker_kind": "thread"})
PROCESSES: Final = Variant(name="processes", settings={"worker_kind": "process"}, processes=True)
BLOCKING: Final = Variant(name="blocking-threads", settings={"worker_kind": "thread"}, blocking=True)
KINDS: Final = (THREADS, PROCESSES, BLOCKING)
ASYNC_KINDS: Final = (THREADS, PROCESSES)

GET: Final = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
GET_AND_CLOSE: Final = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def ask(client: RawClient, path: bytes) -> bytes:
    client.send(GET % path)
    return client.read_response().body


@contextlib.contextmanager
def workers_of(server: TestServer, count: int) -> Iterator[collections.Counter[bytes]]:
    """How many of so many open connections each worker has."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(count)]
        yield collections.Counter(ask(client, b"worker") for client in clients)


@linux
@over(ASYNC_KINDS)
def test_each_worker_gets_connections_on_its_own_socket(serve: Serve) -> None:
    server = serve(applications.CASES, workers=3, distribution="reuseport")
    with workers_of(server, 200) as held:  # that one gets none of them would happen once in 10**34 times
        assert len(held) == 3


@linux
@over([BLOCKING])
def test_blocking_workers_do_too(serve: Serve) -> None:
    server = serve(applications.CASES, workers=2, distribution="reuseport", sync_threads=1)
    with workers_of(server, 100) as held:
        assert len(held) == 2


@linux
@over(KINDS)
def test_a_unix_socket_beside_it_is_shared(serve: Serve) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = str(Path(folder) / "a")
        server = serve(applications.REPORT, workers=2, distribution="reuseport", bind=["127.0.0.1:0", f"unix:{path}"])
        for _ in range(10):
            with server.connect() as client:
                assert json.loads(ask(client, b"tcp"))["path"] == "/tcp"
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(20)
                sock.connect(path)
                sock.sendall(GET_AND_CLOSE)
                assert b"200 OK" in sock.recv(100)


@linux
@over(ASYNC_KINDS)
def test_the_port_is_refused_once_it_has_stopped(serve: Serve) -> None:
    server = serve(applications.CASES, workers=2, distribution="reuseport")
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        server.connect()


@linux
@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_reload_resets_nobody(tmp_path: Path, kind: str) -> None:
    (tmp_path / "application.py").write_text(
        "import time\n"
        "BORN = b'%d' % time.monotonic_ns()\n"
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': BORN})\n"
    )
    options = ("application:app", "--port", "0", "--workers", "2", "--worker-kind", kind, "--distribution", "reuseport")
    with ServerProcess(tmp_path, *options, "--no-access-log", "--drain-idle", "0.2") as server:
        failures: list[BaseException] = []
        answers: list[bytes] = []
        enough = threading.Event()
        port = server.port
        assert port

        def keep_asking() -> None:
            while not enough.is_set():
                try:
                    with server.connect() as client:
                        client.send(GET_AND_CLOSE)
                        answers.append(client.read_response().body)
                except Exception as error:  # noqa: BLE001 - whatever a client sees of a reload
                    failures.append(error)

        threads = [threading.Thread(target=keep_asking) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in (2, 3):
                server.send_signal(signal.SIGHUP)
                server.wait_for_line(f"generation {number} of the code serves")
        finally:
            enough.set()
            for thread in threads:
                thread.join(30)
        assert failures == []
        with server.connect() as client:
            client.send(GET_AND_CLOSE)
            assert client.read_response().body != answers[0], "it is new code that answers"
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def test_a_system_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_HAS_REUSEPORT", False)
    server = TestServer(applications.report, workers=2, worker_kind="thread", distribution="reuseport")
    with pytest.raises(BindError, match="only Linux spreads connections over sockets that share a port"):
        server.start()


@linux
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"uds": f"@pounce-reuseport-{os.getpid()}"}, "shares TCP ports among workers, and there is none"),
        ({"fd": None}, "cannot be shared by several workers; it needs SO_REUSEPORT"),
    ],
    ids=["unix", "inherited"],
)
def test_what_cannot_be_shared_is_an_error(place: dict[str, Any], message: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    given = {"fd": os.dup(listening.fileno())} if "fd" in place else place
    settings: dict[str, Any] = {"worker_kind": "thread", "workers": 2, "distribution": "reuseport"}
    with listening, pytest.raises(ConfigError, match=message):
        TestServer(applications.report, **given, **settings).start()


def test_one_worker_needs_no_share() -> None:
    with (
        TestServer(applications.report, distribution="reuseport", lifespan="off") as server,
        server.connect() as client,
    ):
        assert json.loads(ask(client, b"x"))["path"] == "/x"


def test_the_distributor_is_fair() -> None:
    """800 keep-alive connections over 8 threads: none has more than 1.2 times its share."""
    with (
        TestServer(applications.CASES.asgi, workers=8, worker_kind="thread", lifespan="off") as server,
        workers_of(server, 800) as held,
    ):
        assert sum(held.values()) == 800
        assert len(held) == 8
        assert max(held.values()) <= 1.2 * 100


@linux
@over(KINDS)
def test_each_worker_is_kept_on_one_cpu(serve: Serve) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    server = serve(applications.CASES, workers=2, cpu_affinity=True)
    seen = []
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            client = stack.enter_context(server.connect())
            seen.append(tuple(json.loads(ask(client, b"cpus"))))
    assert all(len(mask) == 1 for mask in seen)
    assert {mask[0] for mask in seen} <= set(allowed)
    # One after the other: two workers are on two CPUs, where there are two.
    assert len(set(seen)) == min(2, len(allowed))
    assert sorted(os.sched_getaffinity(0)) == allowed, "what started the server stays where it was"
