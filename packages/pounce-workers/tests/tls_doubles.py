"""TLS for tests: contexts of a server and of a client that trusts it; a client and a socket made of memory."""

from __future__ import annotations

import contextlib
import functools
import itertools
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any, Final

import trustme

from pounce_workers.net.tls_socket import TlsSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

V12: Final = ssl.TLSVersion.TLSv1_2
V13: Final = ssl.TLSVersion.TLSv1_3
VERSIONS: Final = (V12, V13)


@functools.cache
def _authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def server_context(*alpn: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = V12
    context.options |= ssl.OP_NO_RENEGOTIATION
    _authority().issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    context.set_alpn_protocols(alpn)
    return context


def ktls(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let the kernel take over where it can: the other engine."""
    context.options |= getattr(ssl, "OP_ENABLE_KTLS", 1 << 3)
    return context


@functools.cache
def client_context(version: ssl.TLSVersion | None = None, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    context = ssl.create_default_context()
    _authority().configure_trust(context)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class MemoryClient:
    """A client's end of TLS. What it is given and gives is ciphertext."""

    def __init__(self, version: ssl.TLSVersion | None = None, alpn: Sequence[str] = ()) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = client_context(version, tuple(alpn)).wrap_bio(
            self.incoming, self.outgoing, server_hostname="localhost"
        )
        self.shaken = False
        self.received = b""
        self.ended = False

    def turn(self, ciphertext: bytes = b"") -> bytes:
        """Take this, and return what is to be sent."""
        self.incoming.write(ciphertext)
        with contextlib.suppress(ssl.SSLWantReadError):
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
            while data := self.tls.read(65536):
                self.received += data
            self.ended = True
        return self.outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        view = memoryview(data)
        while view:
            view = view[self.tls.write(view) :]
        return self.outgoing.read()

    def goodbye(self) -> bytes:
        """A close_notify."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.outgoing.read()


class MemorySocket:
    """Stands for a non-blocking socket. It gives and takes so many bytes at a time, over and over; 0 blocks."""

    def __init__(self, gives: Sequence[int] = (1 << 20,), takes: Sequence[int] = (1 << 20,)) -> None:
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.ended = False
        self.calls: list[str] = []
        self._gives = itertools.cycle(gives)
        self._takes = itertools.cycle(takes)

    def recv(self, size: int) -> bytes:
        if not self.inbox:
            if self.ended:
                return b""
            raise BlockingIOError
        size = min(size, next(self._gives))
        if not size:
            raise BlockingIOError
        data = bytes(self.inbox[:size])
        del self.inbox[:size]
        return data

    def send(self, data: Any) -> int:
        room = next(self._takes)
        if not room:
            raise BlockingIOError
        part = bytes(data[:room])
        self.outbox += part
        return len(part)

    def take_all(self) -> bytes:
        data = bytes(self.outbox)
        self.outbox.clear()
        return data

    def set_room(self, *takes: int) -> None:
        self._takes = itertools.cycle(takes)

    def fileno(self) -> int:
        return 99

    def shutdown(self, how: int) -> None:
        self.calls.append({socket.SHUT_RD: "shut reading", socket.SHUT_WR: "shut writing"}[how])

    def setsockopt(self, *_: object) -> None:
        self.calls.append("option")

    def close(self) -> None:
        self.calls.append("close")


class Pair:
    """A `TlsSocket` on a `MemorySocket`, and its client."""

    def __init__(
        self,
        version: ssl.TLSVersion | None = None,
        *,
        alpn: Sequence[str] = (),
        context: ssl.SSLContext | None = None,
        gives: Sequence[int] = (1 << 20,),
        takes: Sequence[int] = (1 << 20,),
    ) -> None:
        self.client = MemoryClient(version, alpn)
        self.raw = MemorySocket(gives, takes)
        self.server = TlsSocket(self.raw, context or server_context("h2", "http/1.1"))  # type: ignore[arg-type]

    def carry(self) -> None:
        """What the server has sent goes to the client, and its answer to the server."""
        self.raw.inbox += self.client.turn(self.raw.take_all())

    def recv(self) -> bytes | None:
        """What comes; None: nothing has."""
        try:
            return self.server.recv(16384)
        except BlockingIOError:
            return None

    def shake_hands(self) -> None:
        """To the end, tickets included."""
        for _ in range(6):
            self.carry()
            assert self.recv() is None
        assert self.server.handshake_done
        assert self.client.shaken

    def tell(self, data: bytes) -> None:
        """The client sends this."""
        self.raw.inbox += self.client.encrypt(data)


def client_thread(
    sock: socket.socket, version: ssl.TLSVersion, talk: Callable[[ssl.SSLSocket], object], alpn: Sequence[str] = ()
) -> Any:
    """A blocking client in a thread of its own; ``.join()`` it, then look at ``.errors``."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with client_context(version, tuple(alpn)).wrap_socket(sock, server_hostname="localhost") as tls:
                talk(tls)
        except BaseException as error:  # noqa: BLE001 - it belongs to the test
            errors.append(error)

    thread: Any = threading.Thread(target=run, name="TLS client", daemon=True)
    thread.errors = errors
    thread.start()
    return thread
