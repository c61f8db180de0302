"""A worker in a thread of its own on a real socket."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
from running_target import HANGS_AFTER, Client, Inlet, RunningTarget, bound, settings_of

from pounce_workers import Worker

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from pounce_asgi import Listeners

__all__ = ["HANGS_AFTER", "LOOPS", "Client", "Inlet", "RunningWorker", "every_loop"]

LOOPS = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]
every_loop = pytest.mark.parametrize("loop", LOOPS)


class RunningWorker(RunningTarget):
    """An async worker."""

    def __init__(
        self,
        app: Any,
        loop: str = "asyncio",
        *,
        sockets: Sequence[socket.socket] | None = None,
        listeners: Listeners | None = None,
        exchange: dict[str, Any] | None = None,
        worker_id: int = 3,
        options: dict[str, Any] | None = None,
        **worker: Any,
    ) -> None:
        """``sockets``: what it accepts on, else a socket of its own; ``options`` are more arguments of `Worker`."""
        on = bound(sockets)
        if on:
            self.socket = on[0]
        super().__init__(
            lambda on_started: Worker(
                app,
                on,
                settings=settings_of(exchange=exchange, loop=loop, **worker),
                listeners=listeners,
                on_started=on_started,
                worker_id=worker_id,
                **(options or {}),
            ),
            on,
        )

    @property
    def worker(self) -> Worker:
        worker: Worker = self.target
        return worker
