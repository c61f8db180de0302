"""The client's side of a wire without I/O: bytes to send, bytes that came, and the answers that are in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pounce_testing.client import Response, ResponseError
from pounce_testing.memory.response_reader import EndOfResponse, ResponseReader

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Http1WireClient", "WireAnswer", "WireClient"]


@dataclass(slots=True)
class WireAnswer:
    """One answer, as far as it has come."""

    status: int
    body: bytes = b""
    complete: bool = False


class WireClient(Protocol):
    """What `WireContract` needs of a client of the wire under test."""

    def opening(self) -> bytes:
        """What a connection begins with."""

    def request(self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
        """A whole request to the host ``x``."""

    def rubbish(self) -> bytes:
        """What nobody may send after the opening."""

    def receive(self, data: bytes) -> bytes:
        """Bytes that came; empty for the end. Returns what is to be sent in reply."""

    @property
    def answers(self) -> Sequence[WireAnswer]:
        """Those that have begun, in the order of their requests."""

    @property
    def broken(self) -> bool:
        """The last answer is visibly not whole, or a stream was reset."""


class Http1WireClient:
    """For HTTP/1.1."""

    def __init__(self) -> None:
        self.answers: list[WireAnswer] = []
        self.broken = False
        self._reader = ResponseReader()
        self._methods: list[str] = []

    def opening(self) -> bytes:
        """Nothing."""
        return b""

    def request(self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
        """A whole request."""
        self._methods.append(method)
        fields = [("Host", "x"), *headers, *([("Content-Length", str(len(body)))] if body else [])]
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
        return "\r\n".join(lines).encode("latin-1") + body

    def rubbish(self) -> bytes:
        """No request line."""
        return b"\x00\r\n\r\n" * 30

    def receive(self, data: bytes) -> bytes:
        """Bytes that came."""
        between = not self.answers or self.answers[-1].complete
        if not data and between:
            return b""
        self._reader.receive(data)
        try:
            while (event := self._next()) is not None:
                if isinstance(event, Response):
                    if event.status >= 200:
                        self.answers.append(WireAnswer(event.status))
                elif isinstance(event, EndOfResponse):
                    self.answers[-1].complete = True
                else:
                    self.answers[-1].body += event
        except ResponseError:
            self.broken = True
        return b""

    def _next(self) -> Response | bytes | EndOfResponse | None:
        done = sum(answer.complete for answer in self.answers)
        self._reader.method = self._methods[done] if done < len(self._methods) else "GET"
        if done == len(self.answers) and self._reader.at_end:
            return None
        return self._reader.next_event()
