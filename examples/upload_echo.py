"""An echo of uploads: each piece goes back as it comes, so that a file of any size needs little memory.

Serve it with ``pounce examples.upload_echo:app``, then ``curl -T some-file http://127.0.0.1:8000/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Send the body of the request back, with the type that it came with."""
    assert scope["type"] == "http"
    content_type = dict(scope["headers"]).get(b"content-type", b"application/octet-stream")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            return  # the client left in the middle of its upload
        more = event.get("more_body", False)
        # Nothing is read from the client while this waits for it to take what it sent.
        await send({"type": "http.response.body", "body": event.get("body", b""), "more_body": more})
