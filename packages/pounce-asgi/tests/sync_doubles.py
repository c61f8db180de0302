"""A wire without bytes for exchanges whose application blocks: what the client does comes out of a script."""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING, Any

from exchange_doubles import GET, PEER, FakeSink, Head, Message, _read, follow, make_exchange

from pounce_asgi import (
    BlockingFuture,
    Interface,
    Listeners,
    Peer,
    SyncExchange,
    SyncRequest,
    SyncResponse,
    sync_handler,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ExchangeContext


class BlockingSink(FakeSink):
    """Has sent everything when it returns, as the sink of a worker that blocks."""

    def send_file(self, file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool) -> Any:
        self._note("file", self.head is not None)
        data = _read(file if isinstance(file, int) else file.fileno(), offset, count)
        self._take(data, end=end)
        return BlockingFuture.settled(len(data))


def make_sync_exchange(
    handler: Any,
    head: Head = GET,
    script: str = "",
    *,
    sink: FakeSink | None = None,
    listeners: Listeners | None = None,
    peer: Peer = PEER,
    wait: Callable[[Any], None] | None = None,
    state: dict[str, Any] | None = None,
    **settings: Any,
) -> SyncExchange[Any]:
    """An exchange whose client does one step of the script (see ``follow``) at each pull, and no more at its end."""

    async def make() -> ExchangeContext[Any]:
        return make_exchange(handler, head, listeners=listeners, state=state, **settings).context

    context = asyncio.run(make())  # its loop is closed: whoever wants something of it fails
    steps = iter(script)

    def pull() -> bool:
        step = next(steps, "")
        follow(exchange, step)
        return bool(step) and step not in "XG"

    exchange = SyncExchange(context, sink or BlockingSink(), head, peer, pull=pull, wait=wait)
    return exchange


def served(handler: Any, head: Head = GET, script: str = "", **options: Any) -> BlockingSink:
    """Start it; what the client got."""
    exchange = make_sync_exchange(handler, head, script, **options)
    exchange.start()
    assert isinstance(exchange.sink, BlockingSink)
    return exchange.sink


def served_wsgi(app: Any, head: Head = GET, script: str = "", **options: Any) -> BlockingSink:
    return served(sync_handler(app, Interface.WSGI), head, script, **options)


class App:
    """A SyncApp of one function."""

    def __init__(self, function: Callable[[SyncRequest], SyncResponse]) -> None:
        self.handle = function


def served_app(function: Any, head: Head = GET, script: str = "", **options: Any) -> BlockingSink:
    return served(sync_handler(App(function), Interface.SYNC), head, script, **options)


class MessageHandler:
    """Sends these messages and keeps what was raised, by the number of the message."""

    def __init__(self, *messages: Message, catch: bool = False) -> None:
        self.messages = messages
        self.catch = catch
        self.raised: dict[int, Exception] = {}

    def __call__(self, request: SyncRequest, send: Any) -> None:
        for number, message in enumerate(self.messages):
            try:
                send(message)
            except Exception as error:
                self.raised[number] = error
                if not self.catch:
                    raise
