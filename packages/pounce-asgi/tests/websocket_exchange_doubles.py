"""A WebSocket without bytes for the tests of its exchange: a sink that keeps what it is told, and a carrier."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from exchange_doubles import PEER, FakeSink, Head, Message, Pair, encode_pair, illegal_uses
from virtual_time import turns

from pounce_asgi import ExchangeContext, ExchangeSettings, Listeners, Peer, WebSocketExchange

if TYPE_CHECKING:
    from collections.abc import Sequence

HANDSHAKE = Head(raw_path=b"/chat", headers=((b"host", b"example"), (b"upgrade", b"websocket")))
EXTENDED_CONNECT = Head(method="CONNECT", http_version="2", raw_path=b"/chat", headers=())


class FakeCarrier(FakeSink):
    """Answers handshakes that are refused; the bytes of those that are not are no concern here."""

    def accept(self, fields: Sequence[Pair]) -> None:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    def pause_reading(self) -> None:
        raise NotImplementedError

    def resume_reading(self) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        raise NotImplementedError


class FakeSocket:
    """The `WebSocketSink`: keeps what an exchange sends, and refuses what no connection could send."""

    def __init__(self) -> None:
        self.accepted: tuple[str | None, list[Pair]] | None = None
        self.sent: list[str | bytes] = []
        self.closed: tuple[int, str] | None = None
        self.resumed = 0

    def accept(self, subprotocol: str | None, fields: Sequence[Pair]) -> None:
        self._check(self.accepted is None, "accepted twice")
        self.accepted = (subprotocol, list(fields))

    def send_text(self, text: str) -> int:
        data = text.encode()
        self._check(type(text) is str, f"{type(text)} is not str")
        self._take(text)
        return len(data)

    def send_bytes(self, data: bytes) -> int:
        self._check(type(data) is bytes, f"{type(data)} is not bytes")
        self._take(data)
        return len(data)

    def close(self, code: int, reason: str) -> None:
        self._check(self.accepted is not None, "closed before it was accepted")
        self._check(self.closed is None, "closed twice")
        self.closed = (code, reason)

    def resume_messages(self) -> None:
        self.resumed += 1

    def _take(self, content: str | bytes) -> None:
        self._check(self.accepted is not None, "sent before it was accepted")
        self._check(self.closed is None, "sent after it was closed")
        self.sent.append(content)

    def _check(self, right: bool, what: str) -> None:
        if not right:
            illegal_uses.append(what)


class Parts:
    """An exchange with its carrier and its sink; make it in a running loop."""

    def __init__(
        self,
        app: Any,
        head: Head = HANDSHAKE,
        *,
        subprotocols: Sequence[str] = (),
        max_queue: int = 32,
        listeners: Listeners | None = None,
        state: dict[str, Any] | None = None,
        peer: Peer = PEER,
        **settings: Any,
    ) -> None:
        self.carrier = FakeCarrier()
        self.socket = FakeSocket()
        self.context: ExchangeContext[tuple[Pair, ...]] = ExchangeContext(
            app,
            loop=asyncio.get_running_loop(),
            encode=encode_pair,
            no_fields=(),
            settings=ExchangeSettings(**settings),
            listeners=listeners,
            state=state,
            worker_id=3,
        )
        self.exchange: WebSocketExchange[tuple[Pair, ...]] = WebSocketExchange(
            self.context, self.carrier, self.socket, head, peer, subprotocols=subprotocols, max_queue=max_queue
        )

    async def start(self) -> Parts:
        """Call the application and let it run as far as it comes."""
        self.exchange.start()
        await turns()
        return self


class Steps:
    """An application that sends these messages, or receives for None; it keeps what it got and what was raised.

    ``catch``: it goes on after an error. ``stay``: it does not return at the end.
    """

    def __init__(self, *steps: Message | None, catch: bool = True, stay: bool = True) -> None:
        self.steps = steps
        self.catch = catch
        self.stay = stay
        self.received: list[Message] = []
        self.raised: list[Exception] = []
        self.scope: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        for step in self.steps:
            try:
                if step is None:
                    self.received.append(await receive())
                else:
                    await send(step)
            except Exception as error:
                self.raised.append(error)
                if not self.catch:
                    raise
        if self.stay:
            await asyncio.get_running_loop().create_future()


CONNECT: Message = {"type": "websocket.connect"}
ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close"}


def send(content: Any) -> Message:
    return {"type": "websocket.send", "text" if isinstance(content, str) else "bytes": content}


def received(content: str | bytes) -> Message:
    return {"type": "websocket.receive", "text" if isinstance(content, str) else "bytes": content}


def disconnect(code: int = 1006, reason: str = "") -> Message:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def denial_start(status: Any = 401, *headers: Any) -> Message:
    return {"type": "websocket.http.response.start", "status": status, "headers": headers}


def denial_body(body: Any = b"", more: bool = False) -> Message:
    return {"type": "websocket.http.response.body", "body": body, "more_body": more}
