"""What went wrong around requests, told to whoever listens: limits, time limits, resets, connections refused.

Called where it is noticed, by wires and workers. None of it is on the path of a request in order.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pounce_asgi.lifecycle import ClientTimedOut, ConnectionRefused, LimitHit, StreamReset

if TYPE_CHECKING:
    from pounce_asgi.exchange_context import ExchangeContext, Peer

__all__ = ["tell_limit", "tell_refused", "tell_reset", "tell_timeout"]


def tell_limit(context: ExchangeContext[Any], peer: Peer, limit: str, stream_id: int = 0) -> None:
    """Something of a client's was refused because of a limit; see `LimitHit`."""
    listener = context.listeners.limit_hit
    if listener is not None:
        listener(
            LimitHit(
                time.monotonic(),
                time.time(),
                context.worker_id,
                peer.connection_id,
                context.protocol,
                peer.client,
                limit,
                stream_id,
            )
        )


def tell_timeout(
    context: ExchangeContext[Any], peer: Peer, timeout: str, stream_id: int = 0, *, protocol: str | None = None
) -> None:
    """A client took too long; see `ClientTimedOut`. ``protocol``: if it is not that of the context."""
    listener = context.listeners.client_timed_out
    if listener is not None:
        listener(
            ClientTimedOut(
                time.monotonic(),
                time.time(),
                context.worker_id,
                peer.connection_id,
                context.protocol if protocol is None else protocol,
                peer.client,
                timeout,
                stream_id,
            )
        )


def tell_reset(context: ExchangeContext[Any], peer: Peer, stream_id: int, code: int, *, by_client: bool) -> None:
    """A stream was cut off; see `StreamReset`."""
    listener = context.listeners.stream_reset
    if listener is not None:
        listener(
            StreamReset(
                time.monotonic(),
                time.time(),
                context.worker_id,
                peer.connection_id,
                context.protocol,
                stream_id,
                code,
                by_client,
            )
        )


def tell_refused(
    context: ExchangeContext[Any],
    client: tuple[str, int] | None,
    reason: str,
    error: Exception | None = None,
    protocol: str = "",
) -> None:
    """A connection ended before it was one; see `ConnectionRefused`."""
    listener = context.listeners.connection_refused
    if listener is not None:
        listener(ConnectionRefused(time.monotonic(), time.time(), context.worker_id, client, reason, error, protocol))
