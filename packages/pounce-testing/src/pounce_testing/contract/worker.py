"""The contract of a worker: what clients of a server see, whatever serves them."""

from __future__ import annotations

import contextlib
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

import pytest

from pounce_testing.contract.applications import APPLICATION, LARGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pounce_testing.client import RawClient
    from pounce_testing.matrix import Twins

__all__ = ["RunningServer", "WorkerContract"]

CLIENTS = 20


class RunningServer(Protocol):
    """What the contract needs of a server. A `TestServer` has it."""

    def connect(self) -> RawClient:
        """A new connection."""

    def request_stop(self) -> None:
        """Begin to stop gracefully, without waiting."""

    def join(self, timeout: float) -> bool:
        """Wait for its end: True when it came within ``timeout`` seconds."""


def get(path: str, *lines: str) -> bytes:
    """A request without a body."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


class WorkerContract:
    """Derive a test class from it, and say how an application is served."""

    @abstractmethod
    def serve(self, app: Twins) -> AbstractContextManager[RunningServer]:
        """Serve ``app.asgi`` or ``app.sync``, whichever fits the worker; both are ``module:attribute``."""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls) -> Iterator[RunningServer]:
        """One for all tests that do not end it."""
        with cls().serve(APPLICATION) as running:
            yield running

    def test_a_connection_is_kept(self, server: RunningServer) -> None:
        """For one request after the other."""
        with server.connect() as client:
            for number in range(3):
                client.send(get(f"/{number}"))
                response = client.read_response()
                assert (response.status, response.body) == (200, b"/%d" % number)
                assert not response.closes

    def test_answers_come_in_the_order_of_requests(self, server: RunningServer) -> None:
        """RFC 9112, 9.3.2."""
        with server.connect() as client:
            client.send(b"".join(get(f"/{number}") for number in range(10)) + get("/last", "Connection: close"))
            bodies = [response.body for response in client.read_all_responses()]
            assert bodies == [b"/%d" % number for number in range(10)] + [b"/last"]

    def test_many_clients_at_once(self, server: RunningServer) -> None:
        """Each gets its own answers; idle ones keep nobody waiting."""
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for _ in range(CLIENTS)]
            for number, client in reversed(list(enumerate(clients))):
                client.send(get(f"/{number}"))
            for number, client in enumerate(clients):
                assert client.read_response().body == b"/%d" % number

    def test_a_body_comes_back(self, server: RunningServer) -> None:
        """With a length, and in chunks."""
        with server.connect() as client:
            sender = threading.Thread(
                target=client.send,
                args=(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(LARGE), LARGE),
            )
            sender.start()
            assert client.read_response("POST").body == LARGE
            sender.join()
            client.send(
                b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"3\r\none\r\n",
                b"3\r\ntwo\r\n0\r\n\r\n",
            )
            assert client.read_response("POST").body == b"onetwo"

    def test_an_answer_in_pieces(self, server: RunningServer) -> None:
        """Whose length is not known."""
        with server.connect() as client:
            client.send(get("/pieces"))
            assert client.read_response().body == b"0123456789"
            client.send(get("/after"))
            assert client.read_response().body == b"/after"

    def test_a_slow_reader_gets_all_of_it_and_keeps_nobody_waiting(self, server: RunningServer) -> None:
        """More than the system's buffers take."""
        with server.connect() as slow, server.connect() as other:
            slow.send(get("/large"))
            assert not slow.at_end()
            other.send(get("/other"))
            assert other.read_response().body == b"/other"
            assert slow.read_response().body == LARGE

    def test_who_leaves_does_no_harm(self, server: RunningServer) -> None:
        """Before its answer, in the middle of it, and within a request."""
        for wire in (get("/slow"), get("/large"), b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"):
            with server.connect() as client:
                client.send(wire)
        with server.connect() as client:
            client.send(get("/still"))
            assert client.read_response().body == b"/still"

    def test_what_is_no_request_is_refused(self, server: RunningServer) -> None:
        """With 400, and the connection ends."""
        with server.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            response = client.read_response()
            assert (response.status, response.closes) == (400, True)
            assert client.at_end()

    def test_an_application_that_fails_is_answered_for(self, server: RunningServer) -> None:
        """With 500, and the next request is served."""
        with server.connect() as client:
            client.send(get("/fail"))
            assert client.read_response().status == 500
        with server.connect() as client:
            client.send(get("/next"))
            assert client.read_response().body == b"/next"

    def test_a_head_has_no_body(self, server: RunningServer) -> None:
        """RFC 9110, 9.3.2."""
        with server.connect() as client:
            client.send(b"HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n")
            response = client.read_response("HEAD")
            assert (response.status, response.header(b"content-length")) == (200, b"4")
            client.send(get("/next"))
            assert client.read_response().body == b"/next"

    def test_a_stop_finishes_what_is_in_flight(self) -> None:
        """Idle connections end, the answer is whole, and nobody is let in any more."""
        with self.serve(APPLICATION) as server, server.connect() as busy, server.connect() as idle:
            idle.send(get("/"))
            idle.read_response()
            busy.send(get("/slow"))
            server.request_stop()
            assert idle.at_end()
            assert busy.read_response().body == b"/slow"
            assert busy.at_end()
            assert server.join(20)
            with pytest.raises((ConnectionError, FileNotFoundError)):  # or the name of a UNIX socket is gone
                server.connect()
