"""Blocking workers in a program that has an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pounce_workers import SyncWorkerPool

__all__ = ["run_beside_loop"]


async def run_beside_loop(pool: SyncWorkerPool) -> None:
    """Run blocking workers beside the loop. Whoever cancels this waits until they have stopped, at once."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        error: BaseException | None = None
        try:
            pool.run()
        except BaseException as raised:  # noqa: BLE001 - handed to the loop
            error = raised
        with contextlib.suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(_settle, ended, error)

    # A thread of its own: the default executor's are the program's, and hold its exit.
    threading.Thread(target=run, name="pounce-parking", daemon=True).start()
    try:
        await asyncio.shield(ended)
    except asyncio.CancelledError:
        pool.request_stop()
        pool.request_stop()
        await asyncio.wait((ended,))
        raise


def _settle(ended: asyncio.Future[None], error: BaseException | None) -> None:
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)
