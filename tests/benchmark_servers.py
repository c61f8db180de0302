"""Small servers in threads, by which the clients of the benchmarks are judged; what they do wrong was asked for."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    import h2.connection

    from benchmarks.certificate import CertificateFiles

__all__ = ["EchoServer", "Http1Server", "Http2Server"]

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PONG: Final = 0xA
CLOSE: Final = 0x8


class ThreadedServer:
    """A thread for each connection; all have ended when the block is left."""

    def __init__(self, files: CertificateFiles | None = None, protocols: tuple[str, ...] = ()) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []
        self.context: ssl.SSLContext | None = None
        if files is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(files.certificate, files.key)
            if protocols:
                self.context.set_alpn_protocols(list(protocols))

    def __enter__(self) -> Self:
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A connection that says so is the one thing that ends a blocking accept() everywhere.
        self.stopping = True
        with socket.create_connection(("127.0.0.1", self.port)):
            self.acceptor.join(10)
        for thread in self.threads:
            thread.join(10)
        self.listener.close()
        assert not any(thread.is_alive() for thread in [self.acceptor, *self.threads])

    stopping = False

    def accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            if self.stopping:
                connection.close()
                return
            thread = threading.Thread(target=self.run, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def run(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self.context is not None:
                connection = stack.enter_context(self.context.wrap_socket(connection, server_side=True))
            self.serve(connection)

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


class Http1Server(ThreadedServer):
    """One answer to a connection, which is then closed."""

    def __init__(self, files: CertificateFiles | None, *, body: bytes = b"Hello, world!") -> None:
        super().__init__(files)
        self.body = body
        self.reused: list[bool] = []
        """For each request over TLS, whether its session was one from before."""

    def serve(self, connection: socket.socket) -> None:
        if not connection.recv(4096):
            return
        if isinstance(connection, ssl.SSLSocket):
            with self.lock:
                self.reused.append(bool(connection.session_reused))
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(self.body))
        connection.sendall(self.body)


class EchoServer(ThreadedServer):
    """WebSocket messages come back as ``echo`` says: in which pieces, or None to close the connection."""

    HANDSHAKE: Final = (
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nCONNECTION: Upgrade\r\n"
        "Sec-WebSocket-Accept: {accept}"
    )

    def __init__(
        self,
        *,
        handshake: str = HANDSHAKE,
        echo: Callable[[bytes], list[bytes] | None] = lambda message: [bytes((0x81, len(message))) + message],
    ) -> None:
        super().__init__()
        self.handshake = handshake
        self.echo = echo
        self.messages = 0
        self.pongs: list[bytes] = []
        self.closed = 0
        """Connections that ended with a close frame."""

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection.makefile("rb") as stream:
            key = b""
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"sec-websocket-key":
                    key = value.strip()
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
            connection.sendall(self.handshake.format(accept=accept).encode() + b"\r\n\r\n")
            while head := stream.read(6):
                length = head[1] & 0x7F
                mask = head[2:] * (length // 4 + 1)
                message = bytes(octet ^ key for octet, key in zip(stream.read(length), mask, strict=False))
                if not self.answer(connection, head[0] & 0x0F, message):
                    return

    def answer(self, connection: socket.socket, opcode: int, message: bytes) -> bool:
        """Whether the connection goes on."""
        with self.lock:
            if opcode == CLOSE:
                self.closed += 1
                connection.sendall(bytes((0x88, len(message))) + message)
                return False
            if opcode == PONG:
                self.pongs.append(message)
                return True
            self.messages += 1
        pieces = self.echo(message)
        for piece in pieces or ():
            connection.sendall(piece)
        return pieces is not None


class Http2Server(ThreadedServer):
    """Each request is answered with ``body``, or with a reset when it is None."""

    def __init__(self, files: CertificateFiles | None, *, body: bytes | None = b"Hello, world!") -> None:
        super().__init__(files, ("h2",))
        self.body = body
        self.asked: list[tuple[bytes, ...]] = []
        """Method, scheme, authority and path of each request."""

    def serve(self, connection: socket.socket) -> None:
        import h2.config
        import h2.connection
        import h2.events

        engine = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        engine.initiate_connection()
        connection.sendall(engine.data_to_send())
        while data := connection.recv(65536):
            for event in engine.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    head = dict(event.headers)
                    self.asked.append(
                        tuple(head[b":" + name] for name in (b"method", b"scheme", b"authority", b"path"))
                    )
                    self.respond(engine, event.stream_id)
            connection.sendall(engine.data_to_send())

    def respond(self, engine: h2.connection.H2Connection, stream: int) -> None:
        if self.body is None:
            engine.reset_stream(stream)
            return
        engine.send_headers(stream, [(b":status", b"200")])
        engine.send_data(stream, self.body, end_stream=True)
