"""Server-sent events: a page that shows a counter which the server pushes.

Serve it with ``pounce examples.server_sent_events:app``, then open ``http://127.0.0.1:8000/`` in a browser, or
``curl -N http://127.0.0.1:8000/events``.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

INTERVAL_SECONDS = 1.0

PAGE = b"""<!doctype html>
<title>Server-sent events</title>
<p>The server counts: <output></output></p>
<script>
  new EventSource("/events").onmessage = (event) => {
    document.querySelector("output").textContent = event.data;
  };
</script>
"""


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Give the page, or the events that it listens to."""
    assert scope["type"] == "http"
    if scope["path"] == "/events":
        await send_events(send)
    else:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE})


async def send_events(send: ASGISendCallable) -> None:
    """Count until the client has gone: then ``send()`` raises an OSError, and there is nobody left to count for."""
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for count in itertools.count(1):
        event = f"id: {count}\ndata: {count}\n\n".encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await asyncio.sleep(INTERVAL_SECONDS)
