"""What TLS costs a request: CPU of the serving thread for ``GET /`` over real sockets, with and without TLS.

    python benchmarks/tls_requests.py [--requests 40000] [--connections 16] [--only memory]

The client is another process and not counted. Each figure is microseconds per request, the best of several rounds, in
which the machine disturbed least. ``plain`` is without TLS, ``memory`` the engine that is used, and ``ssl socket`` the
one for kernel TLS, as it is where the kernel does not take over. It needs `trustme`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import ssl
import sys
import sysconfig
import time
from typing import TYPE_CHECKING, Any

import trustme

from pounce_asgi import ExchangeContext
from pounce_http1 import encode_header_line
from pounce_workers import ServingSettings, new_event_loop
from pounce_workers.net.deadlines import DeadlineSweeper
from pounce_workers.net.loop import poller_of
from pounce_workers.net.tls_engines import wrap_tls
from pounce_workers.net.tls_entrance import TlsEntrances
from pounce_workers.net.transport import SocketTransport
from pounce_workers.serving.http1_wire import Http1Wire

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROUNDS = 5
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n"


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")],
        }
    )
    await send({"type": "http.response.body", "body": b"Hello, world!"})


def client(address: tuple[str, int], pem: bytes | None, connections: int, requests: int, told: Connection) -> None:
    """Ask in rounds over all connections; begin when told to."""
    sockets: list[socket.socket] = []
    for _ in range(connections):
        sock = socket.create_connection(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if pem is not None:
            context = ssl.create_default_context(cadata=pem.decode())
            sock = context.wrap_socket(sock, server_hostname="localhost")
        sockets.append(sock)
    for sock in sockets:  # the handshakes, and whatever is done once
        sock.sendall(REQUEST)
        sock.recv(65536)
    told.send("ready")
    told.recv()
    for _ in range(requests // connections):
        for sock in sockets:
            sock.sendall(REQUEST)
        for sock in sockets:
            sock.recv(65536)
    told.send("done")


async def serve(context: ssl.SSLContext | None, pem: bytes | None, connections: int, requests: int) -> float:
    """Seconds of CPU that this thread spent on so many requests."""
    loop = asyncio.get_running_loop()
    settings = ServingSettings()
    sweeper = DeadlineSweeper(loop, 1.0)
    exchanges = ExchangeContext(
        hello, loop=loop, encode=encode_header_line, no_fields=b"", settings=settings.exchange, state={}, clock=sweeper
    )
    wire = Http1Wire(exchanges, loop=loop, sweeper=sweeper, settings=settings)
    entrances = TlsEntrances(lambda transport, _: wire.connect(transport), clock=sweeper)
    ours, theirs = multiprocessing.Pipe()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        process = multiprocessing.get_context("spawn").Process(
            target=client, args=(listener.getsockname(), pem, connections, requests, theirs), daemon=True
        )
        process.start()
        for _ in range(connections):
            sock, peer = await loop.sock_accept(listener)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = SocketTransport(
                sock if context is None else wrap_tls(sock, context),
                loop=loop,
                poller=poller_of(loop),
                sweeper=sweeper,
                peer=peer,
                local=("127.0.0.1", 8000),
                write_stall=30.0,
            )
            transport.start(wire.connect if context is None else entrances.connect)
    await _readable(loop, ours)
    ours.recv()
    ours.send("go")
    began = time.thread_time()
    await _readable(loop, ours)
    spent = time.thread_time() - began
    for connection in tuple(wire.connections):
        connection.transport.abort()
    process.join()
    return spent


async def _readable(loop: asyncio.AbstractEventLoop, pipe: Connection) -> None:
    told = asyncio.Event()
    loop.add_reader(pipe.fileno(), told.set)
    await told.wait()
    loop.remove_reader(pipe.fileno())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=40_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", choices=["plain", "memory", "ssl socket"])
    options = parser.parse_args()
    authority = trustme.CA()
    pem = authority.cert_pem.bytes()
    certificate = authority.issue_cert("localhost")
    memory, ktls = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    for context in (memory, ktls):
        certificate.configure_cert(context)
    ktls.options |= getattr(ssl, "OP_ENABLE_KTLS", 1 << 3)
    kinds: dict[str, ssl.SSLContext | None] = {"plain": None, "memory": memory, "ssl socket": ktls}
    if options.only:
        kinds = {options.only: kinds[options.only]}
    best = dict.fromkeys(kinds, float("inf"))
    for _ in range(ROUNDS):
        for name, context in kinds.items():
            loop = new_event_loop("asyncio")
            spent = loop.run_until_complete(
                serve(context, pem if context is not None else None, options.connections, options.requests)
            )
            loop.close()
            best[name] = min(best[name], spent / options.requests * 1e6)
    free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    print(f"{sys.version.split()[0]}{free}, {ssl.OPENSSL_VERSION}")
    for name, figure in best.items():
        print(f"{name:>12} {figure:7.2f} us")


if __name__ == "__main__":
    main()
