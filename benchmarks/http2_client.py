"""One request over HTTP/2, by h2: enough to see that a server gives the right answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h2.connection
import h2.events

from benchmarks.servers import ServerError

if TYPE_CHECKING:
    import socket

__all__ = ["get_over_http2"]

RECEIVE_BYTES: Final = 65536


def get_over_http2(sock: socket.socket, *, scheme: str, authority: str, path: str) -> tuple[int, bytes]:
    """Send a GET request as the first on a connection; the status and the body of its answer.

    Raises:
        OSError: the connection broke.
        ServerError: what came is not an answer, or not HTTP/2.
    """
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    head = [(":method", "GET"), (":scheme", scheme), (":authority", authority), (":path", path)]
    connection.send_headers(1, head, end_stream=True)
    sock.sendall(connection.data_to_send())
    status, body = 0, b""
    while data := sock.recv(RECEIVE_BYTES):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                status = int(dict(event.headers)[b":status"])
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.StreamEnded):
                return status, body
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise ServerError(f"no answer over HTTP/2 but {event!r}")
        sock.sendall(connection.data_to_send())
    raise ServerError("no answer over HTTP/2: the connection was closed")
