"""What is counted of each change: what an answer costs the client that tests read it with."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from pounce_testing import RawClient

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: pounce\r\nContent-Length: 13\r\n\r\nHello, world!"
)


def read(count: int) -> None:
    """Answers that have all arrived."""
    with socket.create_server(("127.0.0.1", 0)) as listener, RawClient(*listener.getsockname()[:2]) as client:
        connection, _ = listener.accept()
        with connection:
            for _ in range(count // 10):
                connection.sendall(ANSWER * 10)
                for _ in range(10):
                    assert client.read_response().status == 200


CASES: Final[dict[str, Callable[[int], None]]] = {"an answer": read}
