"""What is special about the engine that lets the kernel take over; the rest is tested with both engines at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from tls_doubles import V12, V13, VERSIONS, client_thread, ktls, server_context
from watchers import tcp_pair

from pounce_workers.net.ktls_socket import KtlsSocket
from pounce_workers.net.send_queue import FileRange, SendQueue
from pounce_workers.net.tls_engines import is_tls, wrap_tls
from pounce_workers.net.tls_errors import HandshakeError, TlsError

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT = ktls(server_context("http/1.1"))
CONTENT = os.urandom(1 << 20)
ULPS = pathlib.Path("/proc/sys/net/ipv4/tcp_available_ulp")


def _kernel_has_tls() -> bool:
    try:
        return "tls" in ULPS.read_text().split()
    except OSError:
        return False


def drive(server: KtlsSocket, until: Callable[[], object]) -> bytes:
    """What comes until that is so, or the end."""
    received = b""
    while not until():
        try:
            data = server.recv(65536)
        except BlockingIOError:
            continue
        if not data:
            break
        received += data
    return received


def connect(version: ssl.TLSVersion, talk: Callable[[ssl.SSLSocket], object]) -> tuple[Any, Any]:
    ours, theirs = tcp_pair()
    theirs.settimeout(10)
    return wrap_tls(ours, CONTEXT), client_thread(theirs, version, talk)


def send_file(server: Any, path: pathlib.Path) -> None:
    async def main() -> None:
        with path.open("rb") as file:
            queue = SendQueue()
            done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            queue.append(b"<")
            queue.append_item(FileRange(file.fileno(), 0, 1 << 40, done))
            queue.append(b">")
            while queue:
                try:
                    queue.send_some(server)
                except BlockingIOError:
                    await asyncio.sleep(0)
            assert await done == len(CONTENT)

    asyncio.run(main())


def receive_file(tls: ssl.SSLSocket) -> None:
    got = bytearray()
    while len(got) < len(CONTENT) + 2:
        got += tls.recv(1 << 18)
    assert bytes(got) == b"<" + CONTENT + b">"


@pytest.mark.skipif(_kernel_has_tls(), reason="this kernel takes over")
@pytest.mark.parametrize("version", VERSIONS)
def test_without_the_kernel_files_are_read_and_encrypted(
    version: ssl.TLSVersion, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> int:
        raise AssertionError("the kernel would send the file in the clear")

    monkeypatch.setattr(os, "sendfile", forbidden, raising=False)
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    server, client = connect(version, receive_file)
    drive(server, lambda: server.handshake_done)
    assert not server.sends_files
    send_file(server, path)
    client.join(10)
    assert client.errors == []
    server.close()


@pytest.mark.skipif(
    not _kernel_has_tls(),
    reason="NOT SHOWN HERE: that the kernel encrypts what os.sendfile sends. It needs Linux with the tls module loaded",
)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_kernel_sends_files(
    version: ssl.TLSVersion, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    sendfile = os.sendfile

    def counted(*what: Any) -> int:
        calls.append(1)
        return sendfile(*what)

    monkeypatch.setattr(os, "sendfile", counted)
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    server, client = connect(version, receive_file)
    drive(server, lambda: server.handshake_done)
    if not server.sends_files:
        pytest.skip(
            "NOT SHOWN HERE: this OpenSSL is built without kernel TLS, or has no cipher in common with the kernel"
        )
    send_file(server, path)
    client.join(10)
    assert client.errors == []
    assert calls
    server.close()


def test_wrapping_is_put_off_until_a_byte_has_come() -> None:
    ours, theirs = tcp_pair()
    with theirs:
        server: Any = wrap_tls(ours, CONTEXT)
        assert type(server) is KtlsSocket
        assert is_tls(server)
        fd = server.fileno()
        with pytest.raises(BlockingIOError):
            server.recv(1)
        theirs.send(b"\x16")
        with pytest.raises(BlockingIOError):
            server.recv(1)
        assert isinstance(server.ssl_object, ssl.SSLSocket)
        assert server.fileno() == fd, "pollers know it by its number"
        server.close()


def test_what_is_no_handshake() -> None:
    ours, theirs = tcp_pair()
    with theirs:
        server: Any = wrap_tls(ours, CONTEXT)
        theirs.send(b"\x16garbage!!")
        with pytest.raises(HandshakeError):
            drive(server, lambda: False)
        with pytest.raises(HandshakeError):
            server.recv(1)
        with pytest.raises(HandshakeError):
            server.send(b"x")
        server.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_ends(version: ssl.TLSVersion) -> None:
    def talk(tls: ssl.SSLSocket) -> None:
        tls.sendall(b"last words")
        tls.unwrap().close()  # which waits for the server's goodbye

    server, client = connect(version, talk)
    assert drive(server, lambda: False) == b"last words"
    assert server.recv(1) == b""
    server.shutdown(socket.SHUT_WR)
    client.join(10)
    assert client.errors == []
    server.close()


def test_bytes_after_our_goodbye_and_none_in_the_clear() -> None:
    """An SSLSocket that was shut down goes on in the clear; this must not."""

    def talk(tls: ssl.SSLSocket) -> None:
        assert tls.recv(100) == b""
        tls.sendall(b"the rest")

    server, client = connect(V12, talk)
    drive(server, lambda: server.handshake_done)
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(BrokenPipeError):
        server.send(b"in the clear")
    # A client that answers at once may be heard by the goodbye itself, which drops it, as all that comes after it is.
    with contextlib.suppress(TlsError):
        assert drive(server, lambda: False) in {b"the rest", b""}
    client.join(10)
    server.close()


def test_what_is_cut_off_does_not_look_whole() -> None:
    def talk(tls: ssl.SSLSocket) -> None:
        tls.suppress_ragged_eofs = False  # type: ignore[attr-defined]
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            tls.recv(100)

    server, client = connect(V13, talk)
    drive(server, lambda: server.handshake_done)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.close()
    client.join(10)
    assert client.errors == []


def test_bytes_that_are_put_back() -> None:
    server, client = connect(V13, lambda tls: tls.sendall(b"next"))
    drive(server, lambda: server.handshake_done)
    server.unread(b"first ")
    assert (server.rewound, server.recv(1), server.rewound) == (True, b"first ", False)
    assert drive(server, lambda: False) == b"next"
    client.join(10)
    server.close()
