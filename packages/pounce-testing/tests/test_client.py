"""The raw client against answers that are written here byte by byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pounce_testing import RawClient, Response, ResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def answered(*pieces: bytes) -> Iterator[RawClient]:
    """A client of a server that sends these pieces, reads until its client has finished, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                for piece in pieces:
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        with RawClient(*listener.getsockname(), timeout=10) as client:
            yield client
        thread.join(10)


OK = b"HTTP/1.1 200 OK\r\n"

WHOLE = [
    ("length", OK + b"Content-Length: 3\r\n\r\nabc", "GET", b"abc"),
    ("empty", OK + b"Content-Length: 0\r\n\r\n", "GET", b""),
    ("chunked", OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", "GET", b"abcd"),
    ("until-close", OK + b"\r\nall that comes", "GET", b"all that comes"),
    ("head", OK + b"Content-Length: 3\r\n\r\n", "HEAD", b""),
    ("no-content", b"HTTP/1.1 204 No Content\r\n\r\n", "GET", b""),
    ("not-modified", b"HTTP/1.1 304 \r\nContent-Length: 3\r\n\r\n", "GET", b""),
]


@pytest.mark.parametrize(("wire", "method", "body"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
@pytest.mark.parametrize("size", [1, 1000])
def test_body(wire: bytes, method: str, body: bytes, size: int) -> None:
    pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
    with answered(*pieces) as client:
        assert client.read_response(method).body == body
        assert client.at_end()


CUT = [
    ("nothing", b""),
    ("line", b"HTTP/1.1 200"),
    ("fields", OK + b"Content-Le"),
    ("length", OK + b"Content-Length: 3\r\n\r\nab"),
    ("chunk", OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab"),
    ("last-chunk", OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
    ("long-chunk", OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"),
    ("no-colon", OK + b"nonsense\r\n\r\n"),
    ("no-status", b"HTTP/1.1 OK\r\n\r\n"),
    ("other-protocol", b"SSH-2.0-x\r\n\r\n"),
]


@pytest.mark.parametrize("wire", [case[1] for case in CUT], ids=[case[0] for case in CUT])
def test_what_is_not_a_whole_response_is_an_error(wire: bytes) -> None:
    with answered(wire) as client, pytest.raises(ResponseError):
        client.read_response()


def test_interim_responses_and_trailers_are_kept() -> None:
    wire = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        + OK
        + b"X: 1\r\nx: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSum: 42\r\n\r\n"
    )
    with answered(wire) as client:
        response = client.read_response()
    assert [interim.status for interim in response.informational] == [100, 103]
    assert response.informational[1].header(b"link") == b"</a>"
    assert response.header(b"x") == b"1"
    assert response.header(b"y") is None
    assert response.trailers == ((b"sum", b"42"),)


def test_all_responses_until_the_end() -> None:
    one = OK + b"Content-Length: 1\r\n\r\n"
    with answered(one + one + b"b" + one + b"c") as client:
        assert [response.body for response in client.read_all_responses(["HEAD", "GET"])] == [b"", b"b", b"c"]


@pytest.mark.parametrize(
    ("version", "connection", "closes"),
    [
        ("HTTP/1.1", None, False),
        ("HTTP/1.1", b"close", True),
        ("HTTP/1.0", None, True),
        ("HTTP/1.0", b"keep-alive", False),
    ],
)
def test_closes(version: str, connection: bytes | None, closes: bool) -> None:
    headers = ((b"connection", connection),) if connection else ()
    assert Response(http_version=version, status=200, reason="", headers=headers).closes is closes


def test_sending_to_a_server_that_closed_is_no_error_where_it_is_expected() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        RawClient(*listener.getsockname(), timeout=10) as client,
    ):
        listener.accept()[0].close()
        client.send_as_far_as_taken([b"x" * 1_000_000] * 20)
        client.finish_sending()
        assert client.read_to_end() == b""


def test_silence_is_a_timeout() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        RawClient(*listener.getsockname(), timeout=0.05) as client,
        pytest.raises(TimeoutError),
    ):
        client.read_response()
