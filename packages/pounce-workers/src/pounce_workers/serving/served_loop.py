"""A loop that serves, as it shows itself to whoever inspects its worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio

    from pounce_workers.serving.loop_server import LoopServer

__all__ = ["ServedLoop"]


class ServedLoop(NamedTuple):
    """Made when it is asked for, by any thread. What ``server`` has belongs to the loop's thread."""

    role: str
    """What its thread is there for: ``worker``; in a pool of threads ``parking``, ``front``, ``pool`` or ``shared``."""
    thread_id: int
    """``threading.get_ident()`` of its thread."""
    loop: asyncio.AbstractEventLoop
    server: LoopServer
    beat: float
    """When it last turned, by ``time.monotonic()``; 0 before the first turn."""
    busy_since: float | None = None
    """Since when its thread has had what it answers; None where that is not known, or it answers nothing."""
