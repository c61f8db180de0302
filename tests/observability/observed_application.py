"""What the servers of these tests serve."""

from __future__ import annotations

import os
from typing import Any

try:
    from prometheus_client import Counter
except ImportError:  # the extra is not installed
    JOBS: Any = None
else:
    JOBS = Counter("jobs_done", "What the application counts itself.")

__all__ = ["app", "wsgi"]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """``/wait`` waits for the client to leave, ``/pid`` tells the process, ``/fail`` fails; all else is ``ok``."""
    if scope["type"] != "http":
        raise NotImplementedError
    path = scope["path"]
    if path == "/fail":
        raise RuntimeError("as the test wants it")
    if path == "/wait":
        await wait_for_the_client(receive)
    if JOBS is not None:
        JOBS.inc()
    body = str(os.getpid()).encode() if path == "/pid" else b"ok"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def wait_for_the_client(receive: Any) -> None:
    """Found by its name in the stack of a request."""
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """The same, for blocking workers: ``/fail`` fails."""
    if environ["PATH_INFO"] == "/fail":
        raise RuntimeError("as the test wants it")
    start_response("200 OK", [("content-length", "2")])
    return [b"ok"]
