"""The code blocks of the README run as they are."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parent.parent / "README.md"
SERVER, TABLE = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def address() -> Any:
    """The server of the README, listening; its threads are daemons and end with the listener."""
    namespace: dict[str, Any] = {"__name__": "readme"}
    exec(compile(SERVER, str(README), "exec"), namespace)

    def serve() -> None:
        try:
            namespace["serve"](listener)
        except OSError:
            return  # the listener was closed

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_the_server_is_thirty_lines_or_so() -> None:
    assert len([line for line in SERVER.splitlines() if line.strip()]) <= 35


def test_the_server_answers_on_one_connection(address: tuple[str, int]) -> None:
    connection = http.client.HTTPConnection(*address, timeout=10)
    for method, path, body in (("GET", "/a", None), ("POST", "/b", b"x" * 100_000), ("PUT", "/c", iter([b"d", b"e"]))):
        connection.request(method, path, body, encode_chunked=True)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"You asked for " + path.encode())
    connection.close()


@pytest.mark.parametrize(("wire", "status"), [(b"GET /\n\n", 400), (b"GET / HTTP/2.0\r\n\r\n", 505)])
def test_the_server_refuses(address: tuple[str, int], wire: bytes, status: int) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(wire)
        reply = b"".join(iter(lambda: connection.recv(4096), b""))
    assert reply.startswith(b"HTTP/1.1 %d " % status)


def test_the_table_can_be_used() -> None:
    sampled = TABLE.replace("in CASES:", "in CASES[::20]:")
    assert sampled != TABLE
    exec(compile(sampled, str(README), "exec"), {})
