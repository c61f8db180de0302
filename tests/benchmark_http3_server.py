"""A small HTTP/3 server in a thread, by which the clients of the benchmarks are judged; its faults were asked for."""

from __future__ import annotations

import importlib
import importlib.util
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from benchmarks.certificate import CertificateFiles

__all__ = ["Http3Server"]

Address = tuple[str, int]


def library() -> str:
    """The library that the client of the benchmarks does not take, where both are installed."""
    return "aioquic" if importlib.util.find_spec("aioquic") else "qh3"


def connection_id(datagram: bytes) -> bytes:
    """By which the client calls this server's end (RFC 9000, 17.2), whose own are of eight bytes."""
    return datagram[6 : 6 + datagram[5]] if datagram[0] & 0x80 else datagram[1:9]


class Http3Server:
    """Each request is answered with ``status`` and ``body``; with a reset where the body is None. Where there is
    ``most``, the connection is closed after so many requests.
    """

    def __init__(
        self,
        files: CertificateFiles,
        *,
        status: bytes = b"200",
        body: bytes | None = b"Hello, world!",
        most: int | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.most = most
        self.asked: list[dict[bytes, bytes]] = []
        name = library()
        self.h3: Any = importlib.import_module(f"{name}.h3.connection")
        self.quic: Any = importlib.import_module(f"{name}.quic.connection")
        module: Any = importlib.import_module(f"{name}.quic.configuration")
        self.configuration: Any = module.QuicConfiguration(is_client=False, alpn_protocols=["h3"])
        self.configuration.load_cert_chain(str(files.certificate), str(files.key))
        self.connections: dict[Address, tuple[Any, Any]] = {}
        """By the client's address: its QUIC and its HTTP/3."""
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self.stopping = threading.Event()

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stopping.set()
        self.thread.join(10)
        self.sock.close()
        assert not self.thread.is_alive()

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            while not self.stopping.is_set():
                if selector.select(0.02):
                    data, address = self.sock.recvfrom(65536)
                    self.take(data, address)
                now = time.monotonic()
                for address, (quic, _) in list(self.connections.items()):
                    if (timer := quic.get_timer()) is not None and timer <= now:
                        quic.handle_timer(now)
                        self.serve(address)

    def take(self, data: bytes, address: Address) -> None:
        if address not in self.connections:
            if not data[0] & 0x80:
                return
            quic = self.quic.QuicConnection(
                configuration=self.configuration, original_destination_connection_id=connection_id(data)
            )
            self.connections[address] = quic, self.h3.H3Connection(quic)
        quic, _ = self.connections[address]
        quic.receive_datagram(data, address, time.monotonic())
        self.serve(address)

    def serve(self, address: Address) -> None:
        quic, h3 = self.connections[address]
        while (event := quic.next_event()) is not None:
            if type(event).__name__ == "ConnectionTerminated":
                del self.connections[address]
                return
            for told in h3.handle_event(event):
                if type(told).__name__ == "HeadersReceived":
                    self.asked.append(dict(told.headers))
                    self.respond(quic, h3, told.stream_id)
        for datagram, _ in quic.datagrams_to_send(time.monotonic()):
            self.sock.sendto(datagram, address)

    def respond(self, quic: Any, h3: Any, stream: int) -> None:
        if self.most is not None and len(self.asked) > self.most:
            quic.close(error_code=0x100)
        elif self.body is None:
            quic.reset_stream(stream, 0x102)
        else:
            h3.send_headers(stream, [(b":status", self.status), (b"x-padding", b"x" * 40)])
            h3.send_data(stream, self.body, True)
