"""What a WebSocket tells listeners. Made only when somebody listens or request ids are on; the counts only if its end
is listened to.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pounce_asgi.exchange_report import ExchangeReport
from pounce_asgi.lifecycle import WebSocketClosed, WebSocketOpened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi.contracts import HeaderPair
    from pounce_asgi.http_exchange import HttpExchange
    from pounce_asgi.websocket_exchange import WebSocketExchange
    from pounce_asgi.websocket_sink import WebSocketSink

__all__ = ["WebSocketReport"]

ABNORMAL_CLOSURE = 1006


class WebSocketReport(ExchangeReport):
    """That of the request which begins a WebSocket, and of the WebSocket."""

    __slots__ = ("bytes_received", "messages_received", "messages_sent", "opened_at", "subprotocol")

    def __init__(self, started: float, request_id: str | None, scope: dict[str, Any], stream_id: int) -> None:
        super().__init__(started, request_id, scope, stream_id)
        self.opened_at: float | None = None
        """When the application accepted; None before, and once its end was told."""
        self.subprotocol: str | None = None
        self.messages_received = 0
        self.messages_sent = 0
        self.bytes_received = 0

    def opened(self, exchange: WebSocketExchange[Any], subprotocol: str | None) -> None:
        """The application accepts."""
        now = self.opened_at = time.monotonic()
        self.subprotocol = subprotocol
        context = exchange.context
        if context.listeners.websocket_closed is not None:
            exchange.sink = _CountingSink(exchange.sink, self)
        listener = context.listeners.websocket_opened
        if listener is not None:
            listener(WebSocketOpened(now, *self._place(exchange)))

    def taker(self, exchange: WebSocketExchange[Any]) -> Callable[[dict[str, Any], int], bool]:
        """What takes the client's messages."""
        if exchange.context.listeners.websocket_closed is None:
            return exchange.message_received
        return partial(_count_received, exchange, self)

    def response_completed(self, exchange: HttpExchange[Any], *, aborted: bool) -> None:
        """The request is over, and with it the WebSocket. Only the first call counts."""
        opened, self.opened_at = self.opened_at, None
        if opened is not None:
            self._closed(cast("WebSocketExchange[Any]", exchange), opened)
        super().response_completed(exchange, aborted=aborted)

    def _closed(self, exchange: WebSocketExchange[Any], opened: float) -> None:
        listener = exchange.context.listeners.websocket_closed
        if listener is None:
            return
        now = time.monotonic()
        listener(
            WebSocketClosed(
                now,
                *self._place(exchange),
                exchange.closing_code,
                now - opened,
                self.messages_received,
                self.messages_sent,
                self.bytes_received,
                exchange.sent,
            )
        )

    def _place(
        self, exchange: WebSocketExchange[Any]
    ) -> tuple[float, int, int, str | None, tuple[str, int] | None, bytes, str | None, str, int]:
        """What both records have in common, from the wall clock on."""
        context = exchange.context
        return (
            time.time(),
            context.worker_id,
            exchange.peer.connection_id,
            self.request_id,
            self.client,
            exchange.head.raw_path,
            self.subprotocol,
            context.protocol,
            self.stream_id,
        )


def _count_received(
    exchange: WebSocketExchange[Any], report: WebSocketReport, message: dict[str, Any], size: int
) -> bool:
    if exchange.listening:
        report.messages_received += 1
        report.bytes_received += size
    return exchange.message_received(message, size)


class _CountingSink:
    """A `WebSocketSink` in front of the true one."""

    __slots__ = ("_report", "_sink", "accept", "close", "resume_messages")

    def __init__(self, sink: WebSocketSink, report: WebSocketReport) -> None:
        self._sink = sink
        self._report = report
        self.accept: Callable[[str | None, Sequence[HeaderPair]], None] = sink.accept
        self.close: Callable[[int, str], None] = sink.close
        self.resume_messages: Callable[[], None] = sink.resume_messages

    def send_text(self, text: str) -> int:
        """Send a text message."""
        size = self._sink.send_text(text)
        self._report.messages_sent += 1
        return size

    def send_bytes(self, data: bytes) -> int:
        """Send a binary message."""
        size = self._sink.send_bytes(data)
        self._report.messages_sent += 1
        return size
