"""What an exchange tells listeners. Made only when somebody listens or request ids are on, so it may take its time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self

from pounce_asgi.lifecycle import (
    ClientDisconnected,
    RequestFailed,
    RequestStarted,
    ResponseCompleted,
    ResponseStarted,
)

if TYPE_CHECKING:
    from pounce_asgi.http_exchange import HttpExchange

__all__ = ["ExchangeReport"]

CLIENT_CLOSED_REQUEST: Final = 499
"""Recorded when the client left before any head: nginx's number, which operators know. It is never sent."""


class ExchangeReport:
    """The times and the id of one request, and the records made from them, each only if somebody listens to it."""

    __slots__ = ("_given_id", "_scope", "completed", "started", "stream_id")

    def __init__(self, started: float, request_id: str | None, scope: dict[str, Any], stream_id: int) -> None:
        self.started = started
        self.stream_id = stream_id
        self.completed = False
        self._given_id = request_id
        self._scope = scope

    @property
    def request_id(self) -> str | None:
        """The id of the request: what middleware has made of it, such as one that a trusted proxy gave."""
        state = self._scope.get("state")
        found = state.get("request_id", self._given_id) if state else self._given_id
        return found if isinstance(found, str) else self._given_id

    @property
    def client(self) -> tuple[str, int] | None:
        """Whose request it is: after middleware whom a trusted proxy speaks for, else the peer."""
        client = self._scope.get("client")
        return (client[0], client[1]) if client else None

    @classmethod
    def begin(cls, exchange: HttpExchange[Any], scope: dict[str, Any], stream_id: int) -> Self:
        """The request starts: give it an id, if ids are on, and tell who listens."""
        context = exchange.context
        request_id = None
        if context.request_ids is not None:
            request_id = context.request_ids()
            scope["state"]["request_id"] = request_id
        started = time.monotonic()
        listener = context.listeners.request_started
        if listener is not None:
            head = exchange.head
            peer = exchange.peer
            listener(
                RequestStarted(
                    started,
                    time.time(),
                    context.worker_id,
                    peer.connection_id,
                    request_id,
                    peer.client,
                    head.method,
                    head.raw_path,
                    head.query_string,
                    head.http_version,
                    head.headers,
                    stream_id,
                    context.protocol,
                )
            )
        return cls(started, request_id, scope, stream_id)

    def response_started(self, exchange: HttpExchange[Any], status: int) -> None:
        """The final head is about to go out."""
        listener = exchange.context.listeners.response_started
        if listener is not None:
            now = time.monotonic()
            context = exchange.context
            listener(
                ResponseStarted(
                    now,
                    time.time(),
                    context.worker_id,
                    exchange.peer.connection_id,
                    self.request_id,
                    status,
                    now - self.started,
                    self.stream_id,
                    context.protocol,
                )
            )

    def response_completed(self, exchange: HttpExchange[Any], *, aborted: bool) -> None:
        """The request is over. Only the first call counts."""
        if self.completed:
            return
        self.completed = True
        context = exchange.context
        listener = context.listeners.response_completed
        if listener is None:
            return
        head = exchange.head
        now = time.monotonic()
        listener(
            ResponseCompleted(
                now,
                time.time(),
                context.worker_id,
                exchange.peer.connection_id,
                self.request_id,
                self.client,
                head.method,
                head.raw_path,
                head.query_string,
                head.http_version,
                head.headers,
                exchange.status,
                exchange.sent,
                self.started,
                now - self.started,
                aborted,
                self.stream_id,
                context.protocol,
            )
        )

    def client_left(self, exchange: HttpExchange[Any]) -> None:
        """The client is gone before its response was complete."""
        context = exchange.context
        listener = context.listeners.client_disconnected
        if listener is not None:
            listener(
                ClientDisconnected(
                    time.monotonic(),
                    time.time(),
                    context.worker_id,
                    exchange.peer.connection_id,
                    self.request_id,
                    exchange.head_on_wire,
                    self.stream_id,
                    context.protocol,
                )
            )
        if not exchange.head_on_wire:
            exchange.status = CLIENT_CLOSED_REQUEST
        self.response_completed(exchange, aborted=True)

    def failed(self, exchange: HttpExchange[Any], error: BaseException) -> None:
        """The application raised."""
        context = exchange.context
        listener = context.listeners.request_failed
        if listener is not None:
            listener(
                RequestFailed(
                    time.monotonic(),
                    time.time(),
                    context.worker_id,
                    exchange.peer.connection_id,
                    self.request_id,
                    exchange.head.method,
                    exchange.head.raw_path,
                    error,
                    exchange.head_on_wire,
                    self.stream_id,
                    context.protocol,
                )
            )
