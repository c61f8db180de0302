"""Feed an engine and write down what it made of the bytes, in a form that does not depend on how they were cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pounce_http1.body import BodyChunk, EndOfBody
from pounce_http1.errors import IncompleteRequest, RemoteProtocolError
from pounce_http1.head import RequestHead
from pounce_http1.testing.case import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Engine", "HeadFirst", "Outcome", "ServerEngine", "feedings", "observe"]

_EVERY_CUT_BELOW = 300
"""Bytes up to which each position is tried as a cut. Beyond, only those near a structure."""


class Engine(Protocol):
    """The surface of ``RequestReader``, as far as a judge needs it."""

    def receive_data(self, data: bytes) -> None: ...

    def receive_eof(self) -> None: ...

    def maybe_next_event(self) -> RequestHead | BodyChunk | EndOfBody | None: ...


class ServerEngine(Engine, Protocol):
    """What a server needs beyond that."""

    @property
    def buffered(self) -> int: ...

    @property
    def idle(self) -> bool: ...

    def receive_head(self, data: bytes) -> RequestHead | None: ...

    def take_body(self) -> bytes | None: ...


class HeadFirst:
    """An engine that is used as a server does it: ``receive_head()`` between requests, then ``take_body()``."""

    def __init__(self, reader: ServerEngine) -> None:
        self._reader = reader
        self._events: list[RequestHead | BodyChunk | EndOfBody] = []
        self._body_open = False

    def receive_data(self, data: bytes) -> None:
        if self._body_open:
            self._reader.receive_data(data)
        else:
            self._keep(self._reader.receive_head(data))

    def maybe_next_event(self) -> RequestHead | BodyChunk | EndOfBody | None:
        if not self._events:
            self._keep(self._reader.maybe_next_event())
        return self._events.pop(0) if self._events else None

    def receive_eof(self) -> None:
        self._reader.receive_eof()
        assert not self._reader.idle, "idle after the end"

    def _keep(self, event: RequestHead | BodyChunk | EndOfBody | None) -> None:
        if event is not None:
            self._events.append(event)
        if isinstance(event, EndOfBody):
            self._body_open = False
        elif isinstance(event, RequestHead) and event.has_body:
            content = self._reader.take_body()
            self._body_open = content is None
            if content:
                self._events.append(BodyChunk(content))
            if content is not None:
                self._events.append(EndOfBody())
        if self._body_open or self._reader.buffered:
            assert not self._reader.idle, "idle, although something has begun"


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What an engine made of some bytes; ``heads`` are the events behind ``requests``."""

    requests: list[Request] = field(default_factory=list)
    error: RemoteProtocolError | None = None
    waiting: bool = False
    heads: list[RequestHead] = field(default_factory=list)

    def take(self, event: RequestHead | BodyChunk | EndOfBody) -> None:
        if isinstance(event, RequestHead):
            body = b"" if event.has_body else None
            request = Request(
                method=event.method, target=event.target, headers=event.headers, body=body, complete=body is None
            )
            self.requests.append(request)
            self.heads.append(event)
            return
        request = self.requests[-1]
        assert request.body is not None, f"{event!r} for a head without body"
        assert not request.complete, f"{event!r} after the end of the body"
        if isinstance(event, BodyChunk):
            assert event.data, "an empty chunk"
            self.requests[-1] = replace(request, body=request.body + event.data)
        else:
            self.requests[-1] = replace(request, complete=True, trailers=event.trailers)


def observe(engine: Engine, pieces: Iterable[bytes]) -> Outcome:
    """Feed the pieces, taking all events after each; then, unless there was an error, say whether a request is open."""
    outcome = Outcome()
    try:
        for piece in pieces:
            engine.receive_data(piece)
            while (event := engine.maybe_next_event()) is not None:
                outcome.take(event)
    except RemoteProtocolError as error:
        outcome.error = error
        return outcome
    try:
        engine.receive_eof()
    except IncompleteRequest:
        outcome.waiting = True
    return outcome


def feedings(wire: bytes) -> Iterator[list[bytes]]:
    """The same bytes in the ways a socket can deliver them: whole, byte by byte, and cut in two.

    Every cut is tried for short inputs; for long ones those around line ends and at both ends, and a sample between.
    """
    yield [wire]
    yield [wire[i : i + 1] for i in range(len(wire))]
    for cut in _cuts(wire):
        yield [wire[:cut], wire[cut:]]


def _cuts(wire: bytes) -> Iterable[int]:
    size = len(wire)
    if size <= _EVERY_CUT_BELOW:
        return range(1, size)
    near = {0, size}
    line_end = wire.find(b"\n")
    while line_end >= 0 and len(near) < 40:
        near.add(line_end)
        line_end = wire.find(b"\n", line_end + 1)
    near.update(range(0, size, max(1, size // 20)))
    return sorted({cut + step for cut in near for step in (-1, 0, 1) if 0 < cut + step < size})
