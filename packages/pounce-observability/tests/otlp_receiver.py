"""A collector of OpenTelemetry on loopback: OTLP over HTTP with protobuf, decoded by OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from typing import Self

__all__ = ["OtlpReceiver"]


class OtlpReceiver:
    """Keeps what it is sent. ``status`` and ``delay`` (seconds) say how it answers."""

    def __init__(self, *, status: int = 200, delay: float = 0.0) -> None:
        self._bodies: list[tuple[str, bytes]] = []  # guarded by the condition
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver._keep(self.path, body)
                if delay:
                    receiver._stopped.wait(delay)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def spans(self) -> list[tuple[dict[str, Any], Any]]:
        """The spans so far, each with the attributes of its resource."""
        found = []
        for body in self._of("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                attributes = attributes_of(resource.resource)
                found += [(attributes, span) for scope in resource.scope_spans for span in scope.spans]
        return found

    def metrics(self) -> dict[str, Any]:
        """The metrics so far, the last of each name."""
        return {
            metric.name: metric
            for body in self._of("/v1/metrics")
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def requests(self) -> int:
        """How many have come."""
        with self._arrived:
            return len(self._bodies)

    def wait_for(self, spans: int, timeout: float = 20.0) -> None:
        """Until so many spans have come."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while len(self.spans()) < spans:
                assert self._arrived.wait(deadline - time.monotonic()), f"only {len(self.spans())} spans came"

    def _of(self, path: str) -> list[bytes]:
        with self._arrived:
            return [body for where, body in self._bodies if where == path]

    def _keep(self, path: str, body: bytes) -> None:
        with self._arrived:
            self._bodies.append((path, body))
            self._arrived.notify_all()


def attributes_of(holder: Any) -> dict[str, Any]:
    """Attributes as Python values."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}
