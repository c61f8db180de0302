"""One request in flight, as JSON for whoever inspects a worker. What could be a secret is hidden unless asked for."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.naming import client_name
from pounce_asgi.response_states import COMPLETE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

__all__ = ["Look", "exchange_of", "masked_query", "owner_of", "shortened", "sketch_request"]

LONGEST_TEXT: Final = 500
"""Characters of a path, a query or the value of a field."""
MOST_FIELDS: Final = 100

_CREDENTIAL: Final = re.compile(r"auth|cookie|token|secret|key|password|session|credential|signature")
"""Names of fields whose values are never shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How closely to look."""

    limit: int = 100
    """Members of each list, from 1 to 10000; of the rest only the number is told."""
    timeout: float = 1.0
    """Seconds for a loop to answer, from 0.01 to 30."""
    stacks: bool = True
    """What requests wait in."""
    others: bool = True
    """Tasks and threads that belong to no request, too."""
    query: bool = False
    """The values in query strings."""
    headers: bool = False
    """The fields of requests; credentials among them stay hidden."""

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Look:
        """From the arguments of a question; what is missing, or is no such value, is as above."""
        switches = {
            name: value
            for name in ("stacks", "others", "query", "headers")
            if isinstance(value := arguments.get(name), bool)
        }
        return cls(
            limit=int(_within(arguments.get("limit"), 1, 10_000, 100)),
            timeout=_within(arguments.get("timeout"), 0.01, 30.0, 1.0),
            **switches,
        )


def _within(value: Any, least: float, most: float, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return default
    return min(max(value, least), most)


def exchange_of(part: Any) -> Any:
    """The exchange itself: where a wire has a WebSocket in its place, that of the WebSocket."""
    return getattr(part, "exchange", None) or part


def owner_of(task: asyncio.Task[Any]) -> Any:
    """The exchange whose application this task runs, also after its connection or its answer; None for other tasks.

    Exchanges ask to be told of the end of their task, and asyncio remembers that: nothing has to be kept for it.
    """
    for callback, _context in getattr(task, "_callbacks", None) or ():
        arguments = getattr(callback, "args", ())
        owner = arguments[0] if arguments else getattr(callback, "__self__", None)
        if hasattr(owner, "head") and hasattr(owner, "head_on_wire"):
            return owner
    return None


def sketch_request(exchange: Any, look: Look) -> dict[str, Any]:
    """What is known of a request. In the thread that has it, or in another at the price of values that do not fit
    together.
    """
    head, report, peer = exchange.head, exchange.report, exchange.peer
    client = report.client if report is not None else peer.client
    sink = getattr(exchange, "carrier", None) or getattr(exchange, "sink", None)
    sketch = {
        "worker_id": exchange.context.worker_id,
        "connection_id": peer.connection_id,
        "stream_id": getattr(sink, "stream_id", 0),
        "request_id": report.request_id if report is not None else None,
        "protocol": _protocol(head.http_version),
        "kind": "websocket" if hasattr(exchange, "subprotocols") else "http",
        "client": client_name(client),
        "method": head.method,
        "path": shortened(head.raw_path),
        "query": shortened(head.query_string) if look.query else masked_query(head.query_string),
        "age": round(time.monotonic() - report.started, 6) if report is not None else None,
        "status": exchange.status if exchange.head_on_wire else None,
        "sent": exchange.sent,
        "answered": exchange.state is COMPLETE,
        "half_closed": exchange.half,
        "client_gone": getattr(exchange, "gone", False) or exchange.state.name == "GONE",
    }
    if look.headers:
        sketch["headers"] = [
            [name.decode("latin-1"), "(hidden)" if _CREDENTIAL.search(name.decode("latin-1")) else shortened(value)]
            for name, value in list(head.headers)[:MOST_FIELDS]
        ]
    return sketch


def masked_query(query: bytes) -> str:
    """The names in a query string, with ``*`` for their values. What has no name is a value."""
    if not query:
        return ""
    pieces = (piece.partition(b"=") for piece in query[: 4 * LONGEST_TEXT].split(b"&"))
    return shortened(b"&".join(name + b"=*" if equals else b"*" for name, equals, _ in pieces))


def shortened(raw: bytes) -> str:
    """As text, and not longer than `LONGEST_TEXT`."""
    text = raw[: LONGEST_TEXT + 1].decode("latin-1")
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _protocol(version: str) -> str:
    return {"2": "h2", "3": "h3"}.get(version, "http/1.1")
