"""One connection, as JSON for whoever inspects a worker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pounce_asgi.naming import client_name
from pounce_workers.serving.http1_connection import Http1Connection
from pounce_workers.serving.http1_phase import BODY, CLOSED, DRAINING, RESPONDING
from pounce_workers.serving.http1_websocket import Http1WebSocket
from pounce_workers.serving.request_sketch import exchange_of, shortened

if TYPE_CHECKING:
    from pounce_asgi import ServedConnection

__all__ = ["exchanges_of", "sketch_connection"]


def exchanges_of(connection: Any) -> list[Any]:
    """Those that are under way on it, whatever it speaks."""
    if isinstance(connection, Http1Connection):
        exchange = connection.exchange
        return [exchange_of(exchange)] if exchange is not None else []
    if isinstance(connection, Http1WebSocket):
        return [exchange_of(connection.websocket)]
    streams: dict[int, Any] = getattr(connection, "streams", {})
    # copy(): its own thread may change it at the same time, where its loop does not answer.
    parts = (stream.exchange for stream in streams.copy().values())
    return [exchange_of(part) for part in parts if part is not None]


def sketch_connection(connection: ServedConnection, worker_id: int) -> dict[str, Any]:
    """What is known of a connection."""
    exchanges = exchanges_of(connection)
    peer = connection.peer
    opened = _opened(connection)
    first = exchanges[0].head if exchanges else getattr(connection, "waiting", None)
    return {
        "worker_id": worker_id,
        "connection_id": peer.connection_id,
        "protocol": _protocol(connection),
        "scheme": peer.scheme,
        "client": client_name(peer.client),
        "age": round(time.monotonic() - opened, 6) if opened else None,
        "requests": connection.requests,
        "state": _state(connection, in_flight=len(exchanges)),
        "in_flight": len(exchanges),
        "method": first.method if first is not None else None,
        "path": shortened(first.raw_path) if first is not None else None,
    }


def _protocol(connection: Any) -> str:
    if isinstance(connection, Http1Connection):
        return "http/1.1"
    if isinstance(connection, Http1WebSocket):
        return "websocket"
    name = str(getattr(connection, "protocol", ""))
    return {"HTTP/2": "h2", "HTTP/3": "h3"}.get(name, name)


def _state(connection: Any, *, in_flight: int) -> str:
    if getattr(connection, "waiting", None) is not None:
        return "queued"
    if in_flight:
        return "in_request"
    if isinstance(connection, Http1Connection):
        phase = connection.phase
        if phase is CLOSED:
            return "closing"
        if phase is RESPONDING:
            return "in_request"
        if phase is BODY or phase is DRAINING:
            return "reading"
    elif getattr(connection, "ended", False):
        return "closing"
    return "idle" if connection.idle else "reading"


def _opened(connection: Any) -> float:
    """When, by ``time.monotonic()``; 0 where nobody wanted to know when it was."""
    if isinstance(connection, Http1Connection):
        return connection.opened
    host = getattr(connection, "host", None) or getattr(connection, "_host", None)
    admission = getattr(host, "_admissions", {}).get(connection)
    return admission.opened if admission is not None else 0.0
