"""Why a request has an age: times are taken of connections and requests only where somebody listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi.lifecycle import ConnectionClosed, ResponseCompleted
from pounce_asgi.listeners import Subscriber

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["listeners_for_worker"]


def listeners_for_worker(worker_id: int, *, shared: bool = False) -> Sequence[Subscriber[Any]]:
    """Those that want nothing but the times: for a server that writes no access log and keeps no metrics."""
    del worker_id, shared
    return (Subscriber(_nothing, ConnectionClosed, ResponseCompleted, trusted=True),)


def _nothing(_record: object) -> None:
    pass
