"""Limits are those of the server: with one worker and with several, threads and processes, the same total is let
through. Who keeps one connection to one of several processes gets that one's part.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce import ServerConfig
from pounce.shared_limits import SharedLimits
from pounce_testing import ResponseError, TestServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing import RawClient

APP: Final = "tests.middleware.chain_applications:stay"
SYNC_APP: Final = "tests.middleware.chain_applications:blocking"

ONE: Final[dict[str, Any]] = {"workers": 1}
FOUR_THREADS: Final[dict[str, Any]] = {"workers": 4, "worker_kind": "thread"}
FOUR_PROCESSES: Final[dict[str, Any]] = {"workers": 4, "worker_kind": "process"}
in_threads = pytest.mark.parametrize("kind", [ONE, FOUR_THREADS], ids=["one", "threads"])
GET: Final = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
LIMIT: Final = 40


def status_of(server: TestServer, path: bytes = b"/") -> int:
    """Of a request on a connection of its own."""
    with server.connect() as client:
        client.send(GET % path)
        return client.read_response().status


def statuses_by(server: TestServer, count: int) -> list[int]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(status_of, [server] * count))


@pytest.mark.parametrize("application", [APP, SYNC_APP], ids=["asgi", "sync"])
@in_threads
def test_threads_share_a_rate(kind: dict[str, Any], application: str) -> None:
    with TestServer(application, **kind, rate_limit=f"{LIMIT}/h") as server:
        statuses = statuses_by(server, 2 * LIMIT)
    assert sorted(statuses) == [200] * LIMIT + [429] * LIMIT


def test_processes_split_both_limits() -> None:
    """Nobody gets more than the limit; and all of it, once each process has been asked often enough. Of 42 requests
    each of 4 processes has 10, of 9 places 2.
    """
    limits: dict[str, Any] = {"rate_limit": "42/h", "rate_limit_exempt_path": ("/stay", "/free")}
    queue: dict[str, Any] = {"request_queue_limit": 9, "request_queue_size": 0}
    with TestServer(APP, **FOUR_PROCESSES, **limits, **queue) as server:
        with server.connect() as client:
            statuses = []
            for _ in range(30):
                client.send(GET % b"/")
                statuses.append(client.read_response().status)
        assert statuses == [200] * 10 + [429] * 20, "who keeps a connection has one process's part"
        for _ in range(40):
            statuses += [status_of(server) for _ in range(20)]
            if statuses.count(200) == 40:
                break
        statuses += [status_of(server) for _ in range(60)]
        assert statuses.count(200) == 40

        with staying(server, 8, at_most=400) as asked:
            assert asked.count(200) == 8
            assert [status_of(server, b"/free") for _ in range(24)] == [503] * 24


def test_each_process_has_one_place_at_least() -> None:
    config = ServerConfig.of({"app": APP, "request_queue_limit": 2})
    part = SharedLimits(config, processes=4)
    assert part.shedder is not None
    assert part.shedder.limit == 1


# -- places in the application ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def staying(server: TestServer, wanted: int, *, at_most: int) -> Iterator[list[int]]:
    """Ask for more and more places until so many are had, and keep them; the statuses of all that asked."""
    statuses: list[int] = []
    with contextlib.ExitStack() as stack:
        for _ in range(at_most):
            client = stack.enter_context(server.connect())
            client.send(GET % b"/stay")
            statuses.append(begun(client))
            if statuses.count(200) == wanted:
                break
        yield statuses


def begun(client: RawClient) -> int:
    """The status of a response, as soon as it has begun."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.read_some()
        assert piece, "the connection ended without an answer"
        received += piece
    return int(received.split(b" ", 2)[1])


@in_threads
def test_places_are_as_many_whoever_serves(kind: dict[str, Any]) -> None:
    queue: dict[str, Any] = {"request_queue_limit": 8, "request_queue_size": 0}
    with TestServer(APP, **kind, **queue) as server:
        with staying(server, 8, at_most=8) as statuses:
            assert statuses == [200] * 8
            assert statuses_by(server, 24) == [503] * 24
        assert status_again(server) == 200, "who leaves gives the place back"


def status_again(server: TestServer) -> int:
    """As soon as the server has heard that the others have left."""
    statuses = [503]
    while statuses[-1] == 503 and len(statuses) < 2000:
        statuses.append(status_of(server))
    return statuses[-1]


@in_threads
def test_so_many_wait_and_no_more(kind: dict[str, Any]) -> None:
    """Four places and four that wait; the ninth is told at once, and those that wait are let in one after another."""
    queue: dict[str, Any] = {"request_queue_limit": 4, "request_queue_size": 4, "request_queue_timeout": 30.0}
    with TestServer(APP, **kind, **queue) as server, contextlib.ExitStack() as stack:
        inside = [stack.enter_context(server.connect()) for _ in range(4)]
        for client in inside:
            client.send(GET % b"/stay")
            assert begun(client) == 200
        asking = [stack.enter_context(server.connect()) for _ in range(12)]
        answers: list[int] = []
        news = threading.Semaphore(0)

        def ask(client: RawClient) -> None:
            client.send(GET % b"/")
            with contextlib.suppress(ResponseError):
                answers.append(client.read_response().status)
            news.release()

        threads = [threading.Thread(target=ask, args=(client,)) for client in asking]
        for thread in threads:
            thread.start()
        for _ in range(8):
            assert news.acquire(timeout=20)
        assert answers == [503] * 8
        inside[0].close()
        for thread in threads:
            thread.join(20)
        assert answers == [503] * 8 + [200] * 4
