"""Requests to an ASGI application in memory, and what a server would make of its messages."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["PATHSEND", "ZERO_COPY", "Answer", "get", "request"]

PATHSEND = "http.response.pathsend"
ZERO_COPY = "http.response.zerocopysend"


@dataclass
class Answer:
    """A response as a server would send it."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    sent_by: list[str] = field(default_factory=list)
    """The types of the messages after the head."""
    complete: bool = False

    def __getitem__(self, name: str) -> str:
        """The value of a field that comes at most once; empty when it is not there."""
        found = [value.decode("latin-1") for key, value in self.headers if key == name.encode()]
        assert len(found) <= 1, found
        return found[0] if found else ""


async def request(
    app: Any,
    path: str,
    headers: dict[str, str] | None = None,
    *,
    answer: Answer | None = None,
    on_piece: Any = None,
    **scope: Any,
) -> Answer:
    """Call the application with a request; ``on_piece`` is called after each piece of body."""
    answer = answer or Answer()
    extensions: dict[str, Any] = {name: {} for name in scope.pop("offers", ())}
    whole = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "query_string": b"",
        "root_path": "", "headers": [(k.encode(), v.encode("latin-1")) for k, v in (headers or {}).items()],
        "extensions": extensions, **scope,
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert not answer.complete, message
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], message["headers"]
            return
        assert answer.status
        answer.sent_by.append(message["type"])
        answer.complete = not message.get("more_body", False)
        if message["type"] == PATHSEND:
            assert PATHSEND in extensions
            answer.body += Path(message["path"]).read_bytes()  # noqa: ASYNC240 - of a test, from memory
        elif message["type"] == ZERO_COPY:
            assert ZERO_COPY in extensions
            answer.body += os.pread(message["file"], message["count"], message["offset"])
        else:
            answer.body += message["body"]
        if on_piece is not None:
            on_piece()

    await app(whole, receive, send)
    assert answer.complete
    if whole["method"] == "GET" and answer["content-length"]:
        assert len(answer.body) == int(answer["content-length"])
    return answer


def get(app: Any, path: str, headers: dict[str, str] | None = None, **scope: Any) -> Answer:
    """The answer to a request, on an event loop of its own."""
    return asyncio.run(request(app, path, headers, **scope))
