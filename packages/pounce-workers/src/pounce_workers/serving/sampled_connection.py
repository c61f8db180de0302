"""HTTP/1.1 connections of a worker that measures single requests: they note how the head of the next one comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_asgi.request_sampler import HeadTimes
from pounce_workers.serving.http1_connection import Http1Connection
from pounce_workers.serving.http1_phase import IDLE
from pounce_workers.serving.http1_wire import Http1Wire

if TYPE_CHECKING:
    from typing import Any

    from pounce_asgi import Peer, Transport
    from pounce_asgi.request_sampler import RequestSampler

__all__ = ["SampledConnection", "SampledWire"]


class SampledConnection(Http1Connection):
    """One client's connection. Owned by the worker's thread."""

    __slots__ = ("_first", "_sampler")

    wire: SampledWire

    def __init__(self, wire: SampledWire, transport: Transport, peer: Peer, *, has_place: bool = True) -> None:
        super().__init__(wire, transport, peer, has_place=has_place)
        self._sampler = wire.sampler
        self._first = (-1, 0.0, 0.0)
        """Of the head whose beginning was noted: how many requests came before it, and when it was ready and read."""

    @property
    def unsent(self) -> bool:
        """Something that was answered here has not been taken by the socket."""
        return bool(getattr(self.transport, "sending", False))

    def data_received(self, data: bytes) -> None:
        """Bytes arrived. While no request is to be measured this is one question more."""
        sampler = self._sampler
        if not sampler.due or self.phase is not IDLE:
            Http1Connection.data_received(self, data)
            return
        now = sampler.clock()
        ready = sampler.ready or now
        if not self.reader.buffered:
            self._first = (self.requests, ready, now)
        earlier, first_ready, first = self._first
        if earlier == self.requests:  # else it began when nobody looked
            sampler.head = HeadTimes(first_ready, first, ready, now)
        try:
            Http1Connection.data_received(self, data)
        finally:
            sampler.head = None


class SampledWire(Http1Wire):
    """What the connections of such a worker share. Owned by the worker's thread."""

    __slots__ = ("sampler",)

    def __init__(self, *arguments: Any, sampler: RequestSampler, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sampler = sampler
        self.connection_class = SampledConnection
