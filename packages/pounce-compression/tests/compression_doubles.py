"""Applications and a server's side of ASGI in memory."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from body_decoders import decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_compression import CompressionMiddleware

__all__ = ["Answer", "answering", "ask", "http_scope", "text"]

Message = dict[str, Any]
FREE_THREADED = not getattr(sys, "_is_gil_enabled", lambda: True)()


def text(size: int) -> bytes:
    """Text that shrinks, of a given length."""
    words = b" ".join(b"word-%d" % number for number in range(size // 6 + 1))
    return words[:size]


def http_scope(accept: str | None = "gzip", **more: Any) -> Message:
    """A request; ``fields`` are added to it."""
    fields = [(name.encode(), value.encode()) for name, value in more.pop("fields", {}).items()]
    if accept is not None:
        fields.append((b"accept-encoding", accept.encode()))
    return {"type": "http", "method": "GET", "path": "/", "headers": fields, **more}


def answering(
    *pieces: bytes | Message, status: int = 200, fields: Iterable[tuple[str, str]] | None = None, **start: Any
) -> Any:
    """An application that sends these pieces, the last one without ``more_body``; messages go out as they are."""
    given = [("content-type", "text/plain")] if fields is None else fields
    headers = [(name.encode(), value.encode()) for name, value in given]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers, **start})
        for position, piece in enumerate(pieces):
            if isinstance(piece, dict):
                await send(piece)
            else:
                more = position + 1 < len(pieces)
                await send({"type": "http.response.body", "body": piece, "more_body": more})

    return application


@dataclass
class Answer:
    """What the server was told to send."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def fields(self) -> dict[str, str]:
        lines = self.messages[0]["headers"]
        found = {name.decode(): value.decode() for name, value in lines}
        assert len(found) == len(lines), f"a field came twice: {lines}"
        return found

    @property
    def coding(self) -> str:
        return self.fields.get("content-encoding", "identity")

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.messages if message["type"] == "http.response.body"]

    @property
    def body(self) -> bytes:
        return b"".join(self.bodies)

    def content(self, dictionary: bytes | None = None) -> bytes:
        """What a client makes of it, after checking that the length is right."""
        length = self.fields.get("content-length")
        assert length is None or int(length) == len(self.body)
        return self.body if self.coding == "identity" else decode(self.coding, self.body, dictionary)


def ask(middleware: CompressionMiddleware, scope: Message | None = None) -> Answer:
    """One request."""
    answer = Answer()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    asyncio.run(middleware(http_scope() if scope is None else scope, receive, answer.send))
    return answer
