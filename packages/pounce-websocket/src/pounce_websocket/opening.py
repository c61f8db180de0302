"""A WebSocket while its handshake is open: to the wire it is an exchange like others.

Over HTTP/1.1 it stands where the `HttpExchange` of a request would; over the later versions it is that of its stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic

from pounce_asgi import WireFields
from pounce_websocket.phase import HANDSHAKE, Phase

if TYPE_CHECKING:
    from pounce_asgi import RequestError, RequestHead, WebSocketExchange

__all__ = ["OpeningWebSocket"]


class OpeningWebSocket(ABC, Generic[WireFields]):
    """The part of a WebSocket that has the surface of an `HttpExchange`."""

    __slots__ = ("exchange", "phase")

    def __init__(self, exchange: WebSocketExchange[WireFields]) -> None:
        self.exchange = exchange
        self.phase: Phase = HANDSHAKE

    @abstractmethod
    def eof_received(self) -> None:
        """The client will send no more; the WebSocket is open."""

    @abstractmethod
    def connection_lost(self, error: OSError | None) -> None:
        """The connection, or this stream, is gone."""

    body: None = None
    """A handshake has no body."""
    idle: bool = False
    """A WebSocket is never idle: closing it now always loses something."""

    @property
    def head(self) -> RequestHead:
        """The request that began it."""
        return self.exchange.head

    @property
    def head_on_wire(self) -> bool:
        """The handshake has been answered, in whichever way."""
        denial = self.exchange.denial
        return self.exchange.head_on_wire or (denial is not None and denial.head_on_wire)

    def start(self) -> None:
        """Call the application; see `WebSocketExchange.start`."""
        self.exchange.start()

    def feed(self, data: bytes) -> bool:  # noqa: ARG002 - the surface of an HttpExchange
        """A handshake has no body; what comes over a stream before it is accepted is the wire's to keep."""
        return False

    def finish_body(self) -> None:
        """There is no body to be complete."""

    def awaits_continue(self) -> bool:
        """No client waits for a 100 before it sends no body."""
        return False

    def fail_request(self, error: RequestError) -> None:
        """The handshake cannot be completed."""
        if self.phase is HANDSHAKE:
            self.exchange.fail_request(error)

    def half_closed(self) -> None:
        """The client will send no more: as ``eof_received()`` once the WebSocket is open."""
        if self.phase is HANDSHAKE:
            self.exchange.half_closed()
        else:
            self.eof_received()

    def client_gone(self) -> None:
        """The connection, or this stream, is lost."""
        if self.phase is HANDSHAKE:
            self.exchange.client_gone()
            self.exchange.part()
        else:
            self.connection_lost(None)
