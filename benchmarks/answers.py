"""Whether a server gives the right answer, asked once over the wire of a workload."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import socket
import ssl
from typing import TYPE_CHECKING, Final

from benchmarks.quic_client import get_over_http3
from benchmarks.servers import HOST, ServerError
from benchmarks.websocket_client import frame, masked_frame, open_websocket
from benchmarks.wires import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workloads import Workload

__all__ = ["ANSWER_SECONDS", "can_ask_over_http2", "check_answer"]

ANSWER_SECONDS: Final = 10.0
MASK: Final = b"mask"


def can_ask_over_http2() -> bool:
    """Whether h2 is installed here, without which nobody could tell what is measured."""
    return importlib.util.find_spec("h2") is not None


def check_answer(port: int, workload: Workload) -> None:
    """Send the workload's request once and look at the answer.

    Raises:
        OSError: nobody listens, or the connection broke.
        ServerError: the answer is another one, or no TLS is spoken.
    """
    try:
        status, body = _ask(port, workload)
    except ssl.SSLError as error:
        raise ServerError(f"no TLS: {error!r}") from error
    if (status, body) != (200, workload.answer):
        raise ServerError(f"answered {status} with {body[:100]!r}, not 200 with {workload.answer[:100]!r}")


def _ask(port: int, workload: Workload) -> tuple[int, bytes]:
    if workload.wire is Wire.WEBSOCKET:
        return 200, _echo(port, workload)
    if workload.wire is Wire.H3:
        return get_over_http3(port, authority=f"{HOST}:{port}", path=workload.path)
    if workload.wire.http2:
        from benchmarks.http2_client import get_over_http2

        with _connection(port, workload.wire) as sock:
            return get_over_http2(sock, scheme=workload.wire.scheme, authority=f"{HOST}:{port}", path=workload.path)
    return _ask_over_http1(port, workload)


def _ask_over_http1(port: int, workload: Workload) -> tuple[int, bytes]:
    connection = (
        http.client.HTTPSConnection(HOST, port, timeout=ANSWER_SECONDS, context=_context("http/1.1"))
        if workload.wire.secure
        else http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    )
    try:
        connection.request(workload.method, workload.path, body=workload.body or None, headers=dict(workload.headers))
        response = connection.getresponse()
        return response.status, response.read()
    except http.client.HTTPException as error:
        raise ServerError(f"no proper answer: {error!r}") from error
    finally:
        connection.close()


def _context(protocol: str) -> ssl.SSLContext:
    """TLS with a server whose certificate is its own affair, offering one protocol (RFC 7301)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context


@contextlib.contextmanager
def _connection(port: int, wire: Wire) -> Iterator[socket.socket]:
    """A connection for HTTP/2."""
    with socket.create_connection((HOST, port), timeout=ANSWER_SECONDS) as plain:
        if not wire.secure:
            yield plain
            return
        with _context("h2").wrap_socket(plain) as sock:
            if sock.selected_alpn_protocol() != "h2":
                raise ServerError("did not choose h2, which was all that it was offered")
            yield sock


def _echo(port: int, workload: Workload) -> bytes:
    """What comes back for the message that is the workload's answer; with its frame if that is another one."""
    expected = frame(workload.answer)
    received = b""
    with open_websocket(port, workload.path, timeout=ANSWER_SECONDS) as sock:
        sock.sendall(masked_frame(workload.answer, MASK))
        while len(received) < len(expected) and (data := sock.recv(len(expected) - len(received))):
            received += data
    return workload.answer if received == expected else received
