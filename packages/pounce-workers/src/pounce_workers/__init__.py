"""Event loop, transports and workers for ASGI servers."""

from __future__ import annotations

from pounce_workers.net.listeners import adopt_fd, bind_tcp, bind_unix
from pounce_workers.net.loop import ServingLoop, new_event_loop
from pounce_workers.serving.worker import Worker
from pounce_workers.settings import ServingSettings, WorkerSettings

__all__ = [
    "ServingLoop",
    "ServingSettings",
    "Worker",
    "WorkerSettings",
    "adopt_fd",
    "bind_tcp",
    "bind_unix",
    "new_event_loop",
]
