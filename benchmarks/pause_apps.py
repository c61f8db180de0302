"""Applications that time the garbage collections of the process that serves them, and tell at ``/pauses``.

What a collection costs depends on how much it looks through and on how much it finds. So ``littering`` holds about as
many objects as an application with a framework does after its start-up, and leaves a cycle behind with every request,
as exceptions and objects that know their parents do.
"""

from __future__ import annotations

import gc
import json
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks import apps

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_asgi.types import ASGI3Application

__all__ = ["CollectionTimes", "littering", "watched"]

SHELVES: Final = 20_000
"""Held, with three objects each that a collection looks at."""


class CollectionTimes:
    """How long each collection since the last reading took, as the interpreter tells at its start and end."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._started: float | None = None

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._started = now
        elif self._started is not None:
            self.times.append(now - self._started)

    def read(self) -> dict[str, float]:
        """Number, the longest and the sum in seconds; counting begins anew."""
        times, self.times = self.times, []
        return {"collections": len(times), "longest": max(times, default=0.0), "total": sum(times)}


class Shelf:
    """Something that is held, and its contents."""

    def __init__(self, number: int) -> None:
        self.labels = [number]
        self.contents: dict[str, Any] = {"labels": self.labels}


def watched(app: ASGI3Application) -> ASGI3Application:
    """The application, which answers ``/pauses`` with the collections since it was last asked."""
    times = CollectionTimes()
    gc.callbacks.append(times)

    async def watched_app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http" or scope["path"] != "/pauses":
            return await app(scope, receive, send)
        body = json.dumps(times.read()).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        return await send({"type": "http.response.body", "body": body})

    return watched_app


async def _littering(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    litter = Shelf(0)
    litter.contents["shelf"] = litter
    await apps.hello(scope, receive, send)


held: Final = [Shelf(number) for number in range(SHELVES)]
littering: Final = watched(_littering)
