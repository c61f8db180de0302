"""An application for the lifespan tests, and a look at what they logged."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class Recorder:
    """An application in which the order of things can be seen, and that misbehaves where it is told to."""

    def __init__(self, **behaviour: Any) -> None:
        self.behaviour = behaviour
        self.happened: list[str] = []
        self.scope: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        try:
            await self.converse(scope, receive, send)
        except asyncio.CancelledError:
            self.happened.append("cancelled")
            raise
        finally:
            self.happened.append("exit")

    async def converse(self, scope: Any, receive: Any, send: Any) -> None:
        self.happened.append((await receive())["type"])
        scope["state"]["pool"] = "pool"
        await self.act("startup")
        await send({"type": "lifespan.startup.complete"})
        await self.act("serving")
        self.happened.append((await receive())["type"])
        await self.act("shutdown")
        await send({"type": "lifespan.shutdown.complete"})
        await self.act("after")

    async def act(self, when: str) -> None:
        what = self.behaviour.get(when)
        if isinstance(what, BaseException):
            raise what
        if what == "hang":
            await asyncio.get_running_loop().create_future()
        elif what is not None:
            await asyncio.sleep(what)


def errors_logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    assert all(record.name == "pounce.lifespan" for record in caplog.records if record.name != "asyncio")
    return [record for record in caplog.records if record.levelno >= logging.ERROR]
