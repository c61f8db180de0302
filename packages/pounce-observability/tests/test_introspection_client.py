"""Asking a server over TCP, and what is none."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pounce_observability.introspection.client import IntrospectionClient, find_server

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answers:
    """Gives every connection the same bytes. Owned by the test; a thread serves."""

    def __init__(self) -> None:
        self.wire = b""
        self.heads: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                head = connection.recv(65536)
                if not head:
                    self._socket.close()
                    return
                self.heads.append(head)
                connection.sendall(self.wire)

    def stop(self) -> None:
        socket.create_connection(self._socket.getsockname()).close()
        self.thread.join()


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    answers.thread.start()
    yield answers
    answers.stop()


def test_a_server_is_asked_over_tcp(answers: Answers) -> None:
    answers.wire = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
    client = IntrospectionClient(find_server(answers.target))
    assert client.request("POST", "/_pounce/profile?seconds=1") == (201, b"{}")
    head = answers.heads[0].decode()
    assert head.startswith("POST /_pounce/profile?seconds=1 HTTP/1.1\r\n")
    assert f"Host: {answers.target}\r\n" in head


@pytest.mark.parametrize("wire", [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_what_is_no_server_is_said_to_be_none(answers: Answers, wire: bytes) -> None:
    answers.wire = wire
    with pytest.raises(OSError, match=r"does not answer as a server does|without response|broken off"):
        IntrospectionClient(find_server(answers.target)).request("GET", "/", timeout=5.0)


def test_nobody_answers_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefusedError, match=f"127.0.0.1:{port}: Connection refused"):
        IntrospectionClient(find_server(f"127.0.0.1:{port}")).request("GET", "/", timeout=5.0)


def test_who_does_not_answer_in_time_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(OSError, match="did not answer in time") as caught:
            IntrospectionClient(find_server(target)).request("GET", "/", timeout=0.05)
    assert caught.value.strerror == f"{target}: it did not answer in time"
