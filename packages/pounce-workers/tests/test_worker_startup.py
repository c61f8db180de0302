"""A stop that comes while the application is still starting up."""

from __future__ import annotations

import asyncio
from typing import Any

from pounce_workers import ServingSettings, Worker, bind_tcp


def test_a_stop_during_startup_does_not_wait_for_it() -> None:
    seen: list[str] = []

    async def main() -> None:
        starting = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            assert (await receive())["type"] == "lifespan.startup"
            starting.set()
            try:
                await asyncio.get_running_loop().create_future()  # never
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        worker = Worker(app, [bind_tcp("127.0.0.1", 0, 16)], settings=ServingSettings())
        serving = asyncio.ensure_future(worker.serve())
        await starting.wait()
        worker.request_stop()
        await asyncio.wait_for(serving, 5)

    asyncio.run(main())
    assert seen == ["cancelled"]


def test_after_a_stop_the_application_is_not_started() -> None:
    called: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["type"])

    async def main() -> None:
        worker = Worker(app, [bind_tcp("127.0.0.1", 0, 16)], settings=ServingSettings())
        worker.request_stop()
        await asyncio.wait_for(worker.serve(), 5)

    asyncio.run(main())
    assert called == []
