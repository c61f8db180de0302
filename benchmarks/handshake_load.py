"""A load generator that makes a new TLS connection for each request, with a full handshake every time.

    python -m benchmarks.handshake_load PORT --connections 8 --seconds 4 --answer "Hello, world!"

wrk cannot do this: it keeps the session of the connection before and takes it up again, and a handshake without
certificate and signature costs a server a fraction. Each connection is a thread; a handshake costs this program about
as much as the server, so the rates say less than the processor time for each.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import socket
import ssl
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from benchmarks.generator import LoadReport
from benchmarks.open_loop import percentile
from benchmarks.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["shake_hands"]

ANSWER_SECONDS: Final = 5.0
RECEIVE_BYTES: Final = 65536


class _Client(threading.Thread):
    """One connection after the other. Everything belongs to its thread until that has ended."""

    def __init__(self, port: int, *, until: float, answer: bytes, path: str) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.until = until
        self.answer = answer
        self.request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode("ascii")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.latencies: list[float] = []
        self.failures = 0

    def run(self) -> None:
        while (started := time.perf_counter()) < self.until:
            if self.ask():
                self.latencies.append(time.perf_counter() - started)
            else:
                self.failures += 1

    def ask(self) -> bool:
        """Connect, shake hands, send the request, read until the server closes; whether all was as it has to be."""
        said = b""
        try:
            with socket.create_connection((HOST, self.port), timeout=ANSWER_SECONDS) as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.context.wrap_socket(plain) as sock:
                    sock.sendall(self.request)
                    while data := sock.recv(RECEIVE_BYTES):
                        said += data
                    fresh = not sock.session_reused
        except OSError:
            return False
        return fresh and said.startswith(b"HTTP/1.1 200 ") and said.endswith(self.answer)


def shake_hands(port: int, *, connections: int, seconds: float, answer: bytes, path: str = "/") -> LoadReport:
    """Send GET requests to a server on this machine, whose answers end with ``answer``, a connection for each."""
    start = time.perf_counter()
    clients = [_Client(port, until=start + seconds, answer=answer, path=path) for _ in range(connections)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    elapsed = time.perf_counter() - start
    times = sorted(latency for client in clients for latency in client.latencies)
    failures = sum(client.failures for client in clients)
    return LoadReport(requests=len(times), seconds=elapsed, p99=percentile(times, 0.99), failures=failures)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handshake_load")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--answer", required=True, help="the body of each answer")
    options = parser.parse_args(arguments)
    answer = options.answer.encode()
    report = shake_hands(options.port, connections=options.connections, seconds=options.seconds, answer=answer)
    print(json.dumps(dataclasses.asdict(report)))


if __name__ == "__main__":
    main(sys.argv[1:])
