"""The server without its sockets: connections are whatever transports it is given, in the running loop.

Everything from the bytes of a connection to the application is as it serves: parser, limits, exchange, middleware,
lifespan. For tests of applications, and for programs that get their connections from elsewhere. There is one worker;
TLS, PROXY headers and HTTP/3 belong to sockets, and are not spoken. HTTP/2 is, by prior knowledge.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
from typing import TYPE_CHECKING, Protocol

from pounce_asgi import Transport
from pounce_workers import Worker

from .chain import check_chain
from .features import require_features
from .fresh_import import FreshImport
from .observation import Observation
from .questions import LocalQuestions
from .shared_limits import SharedLimits
from .worker_factory import WorkerFactory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pounce_asgi import ConnectionProtocol, Listeners

    from .config import ServerConfig

__all__ = ["SweptTransport", "UnboundServer", "unbound"]


class SweptTransport(Transport, Protocol):
    """A transport whose deadlines are looked at once a tick."""

    def expire(self, now: float) -> None:
        """Call the protocol's ``deadline_expired()`` if ``deadline`` is at or before ``now``, and make it ``inf``."""


class UnboundServer:
    """Serves the connections that it is given. Owned by the loop's thread."""

    def __init__(self, worker: Worker, context: contextvars.Context) -> None:
        (loop,) = worker.served_loops
        self._server = loop.server
        self.context = context
        """What its callbacks are to run in: nothing that the caller has set is to be seen by the application."""

    def connect(self, transport: SweptTransport) -> ConnectionProtocol:
        """Serve a new connection: what the transport is to tell of everything that happens."""
        protocol = self._server.wire.connect(transport)
        self._server.sweeper.add(transport)
        return protocol

    def forget(self, transport: SweptTransport) -> None:
        """A connection is lost; call it after ``connection_lost()``."""
        self._server.sweeper.remove(transport)


@contextlib.asynccontextmanager
async def unbound(config: ServerConfig, *, listeners: Listeners | None = None) -> AsyncIterator[UnboundServer]:
    """Import the application and run its lifespan around the block. On leaving, what is in flight is finished.

    Raises:
        ConfigError: an option needs a package that is not installed.
        AppImportError: the application cannot be had.
        LifespanError: its startup or its shutdown failed.
    """
    # One loop, this one: an application that blocks is called in threads beside it.
    config = dataclasses.replace(config, workers=1, worker_mode="async")
    require_features(config)
    check_chain(config)
    with contextlib.ExitStack() as stack:
        importer = FreshImport.of(config)
        stack.callback(importer.close)
        code = importer.load()
        observation = Observation(config, stack, LocalQuestions())
        limits = SharedLimits(config)
        observation.count_limits(limits)
        factory = WorkerFactory(config, code, observation=observation, limits=limits, listeners=listeners)
        stack.callback(factory.close)
        context = contextvars.Context()
        started = asyncio.Event()
        worker = factory.make(0, started.set)
        assert isinstance(worker, Worker), "that is what the mode async means"
        serving = asyncio.get_running_loop().create_task(worker.serve(), context=context)
        try:
            await _started(started, serving)
            yield UnboundServer(worker, context)
        finally:
            worker.request_stop()
            await serving


async def _started(started: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Wait until it serves. A task that has ended instead is left to be awaited, for it raises why."""
    waiting = asyncio.ensure_future(started.wait())
    try:
        await asyncio.wait((waiting, serving), return_when=asyncio.FIRST_COMPLETED)
        if not started.is_set():
            await serving
    finally:
        waiting.cancel()
