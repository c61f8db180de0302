"""Clients that visit again and again, each with a pause between two visits, until they are stopped or held."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.soak.account import Account, Way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.soak.http1 import Place

__all__ = ["TRIES", "Site", "Visitors"]

VISIT_SECONDS: Final = 60.0
"""Longest time for one visit: whoever waits longer has lost what it waits for."""
TRIES: Final = 6
"""How often a request is asked at most."""


@dataclass(slots=True)
class Site:
    """Where to, and what is known of it: the clients' loop alone has it."""

    account: Account
    clear: Place
    unix: Place
    tls: Place
    http2: Place
    quic_port: int
    authority: str
    library: str
    """The client of HTTP/3; empty where none is installed."""
    leaving_workers_close: bool
    """Worker processes that make way close connections that are idle; threads hand them to others."""
    stopping: set[str] = field(default_factory=set)
    """The servers that are being restarted right now."""
    stops: int = 0
    """How often one was."""

    async def open(self, place: Place, way: Way) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection. One that the server had accepted when it was stopped may end before it is used.

        Raises:
            OSError: there is none to be had.
        """
        for _ in range(TRIES):
            try:
                return await place.open()
            except OSError:
                if self._server(way) not in self.stopping:
                    raise
                self.account.retry(way, "at a stop: no connection")
                await asyncio.sleep(0.2)
        return await place.open()

    @staticmethod
    def _server(way: Way) -> str:
        return "clear" if way in (Way.HTTP1, Way.HTTP1_UNIX, Way.WEBSOCKET) else "tls"

    def retry(self, way: Way, reason: str, *, reused: bool, number: int) -> bool:
        """Whether a request of which nothing was answered may be asked again; if not it is lost.

        A connection that has had answers may end while a request is on its way, when the server stops; and at a stop
        so may one that has had none. The other side of the account shows that nothing had been done for it.
        """
        if self._server(way) in self.stopping:
            reason = f"at a stop: {reason}"
        elif not (reused and self.leaving_workers_close):
            self.account.lose(number, f"unanswered: {reason}")
            return False
        self.account.retry(way, reason)
        return True


class Visitors:
    """Tasks of one loop."""

    def __init__(self, site: Site, *, think: float, seed: int) -> None:
        """``think``: seconds between two visits of a client, on average."""
        self.site: Final = site
        self._think = think
        self._seed = seed
        self._open = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._visiting = 0
        self._nobody = asyncio.Event()
        self._nobody.set()

    def add(self, visit: Callable[[Site, random.Random], Awaitable[None]], clients: int = 1) -> None:
        """So many who do this."""
        for _ in range(clients):
            dice = random.Random(self._seed * 1000 + len(self._tasks))
            self._tasks.append(asyncio.create_task(self._go_on(visit, dice)))

    def let_in(self) -> None:
        self._open.set()

    async def hold(self) -> None:
        """Let nobody in, and wait until everybody has left."""
        self._open.clear()
        await asyncio.wait_for(self._nobody.wait(), VISIT_SECONDS + 10)

    async def end(self) -> None:
        """They are held."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _go_on(self, visit: Callable[[Site, random.Random], Awaitable[None]], dice: random.Random) -> None:
        while True:
            await asyncio.sleep(dice.uniform(0, 2 * self._think))
            await self._open.wait()
            self._visiting += 1
            self._nobody.clear()
            try:
                async with asyncio.timeout(VISIT_SECONDS):
                    await visit(self.site, dice)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
                name = getattr(visit, "__name__", str(visit))
                self.site.account.fault(f"{name}: {error!r} at {_where(error)}")
            finally:
                self._visiting -= 1
                if not self._visiting:
                    self._nobody.set()


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    places = []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(places[-4:])
