"""Where Sentry's client sends to, on loopback: it keeps the items of the envelopes."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

__all__ = ["SentryIngest"]


class SentryIngest:
    """Takes envelopes as Sentry's documentation describes them: a line of headers, then items, each with its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the next
        self._items: list[tuple[str, dict[str, Any]]] = []
        ingest = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                coding = self.headers.get("content-encoding")
                if coding == "br":  # the client's choice wherever a library for it is installed
                    body = import_module("brotli").decompress(body)
                elif coding == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/api/42/envelope/"
                ingest._keep(body)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def dsn(self) -> str:
        return f"http://publickey@127.0.0.1:{self._server.server_port}/42"

    def items(self, kind: str) -> list[dict[str, Any]]:
        """Those of a kind, ``event`` or ``transaction``."""
        with self._lock:
            return [item for found, item in self._items if found == kind]

    def _keep(self, body: bytes) -> None:
        _, _, rest = body.partition(b"\n")
        while rest.strip():
            line, _, rest = rest.partition(b"\n")
            header = json.loads(line)
            length = header.get("length", rest.find(b"\n"))
            payload, rest = rest[:length], rest[length:].lstrip(b"\n")
            with self._lock:
                self._items.append((header["type"], json.loads(payload)))
