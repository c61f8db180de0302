"""How far a response has got, seen from the messages that pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pounce_asgi import ASGISendCallable

__all__ = ["ResponseProgress"]


class ResponseProgress:
    """A ``send`` in front of another. One request's, on its loop."""

    __slots__ = ("_send", "_trailers", "complete", "started")

    def __init__(self, send: ASGISendCallable) -> None:
        self._send = send
        self._trailers = False
        self.started = False
        """The head was sent: the status is decided."""
        self.complete = False
        """The last message of the response was sent, or is just being sent."""

    async def send(self, message: Any) -> None:
        """Pass a message on."""
        kind = message["type"]
        if kind == "http.response.start":
            self.started = True
            self._trailers = bool(message.get("trailers"))
        elif kind == "http.response.trailers":
            self._end_unless(message.get("more_trailers"))
        elif kind in ("http.response.body", "http.response.zerocopysend"):
            self._end_unless(self._trailers or message.get("more_body"))
        elif kind == "http.response.pathsend":
            self._end_unless(self._trailers)
        await self._send(message)

    def _end_unless(self, more: object) -> None:
        if not more:
            self.complete = True
            self.completed()

    def completed(self) -> None:
        """Called once, before the last message is passed on."""
