"""What is counted of each change: whole exchanges on a sink that does nothing."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from bench_exchange import Head, Sink, hello

from pounce_asgi import ExchangeContext, ExchangeSettings, HttpExchange, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]


async def many_parts(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for left in range(9, -1, -1):
        await send({"type": "http.response.body", "body": b"x", "more_body": left > 0})


class TakingSink(Sink):
    """One that takes bodies as well."""

    def send_body(self, *_: Any, **__: Any) -> None:
        pass

    def send_end(self, *_: Any, **__: Any) -> None:
        pass


async def exchange(app: Any, count: int) -> None:
    loop = asyncio.get_running_loop()
    context = ExchangeContext(
        app,
        loop=loop,
        encode=lambda name, value: b"%b: %b\r\n" % (name, value),
        no_fields=b"",
        settings=ExchangeSettings(),
    )
    sink: Any = TakingSink()
    head: Any = Head()
    peer = Peer(("127.0.0.1", 1), ("127.0.0.1", 8000), "http", 1)
    for _ in range(count):
        HttpExchange(context, sink, head, peer).start()
        if sys.version_info < (3, 12):
            await asyncio.gather(*context.running)  # not eager there: let the task run


CASES: Final[dict[str, Callable[[int], None]]] = {
    "hello": lambda count: asyncio.run(exchange(hello, count)),
    "ten parts": lambda count: asyncio.run(exchange(many_parts, count)),
}
