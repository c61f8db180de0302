"""``http.response.push``: an application promises a response that its client has not asked for (RFC 9113, 8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi import HttpExchange, InvalidMessage, UnexpectedMessage
from pounce_asgi.multiplexed import Fields, RequestHead, encode_field
from pounce_asgi.multiplexed.grammar import is_target
from pounce_asgi.response_states import COMPLETE, GONE
from pounce_h2.response_blocks import render_request

if TYPE_CHECKING:
    from pounce_asgi.multiplexed import MultiplexedStream
    from pounce_h2.connection import Http2Connection

__all__ = ["PushingExchange"]


class PushingExchange(HttpExchange[Fields]):
    """An exchange whose client takes promised streams."""

    __slots__ = ()

    async def send(self, message: Any) -> None:
        """Send a response message, or promise a response.

        Raises:
            ApplicationError: the message is malformed or comes out of order.
            ClientGone: the client has left; an OSError.
        """
        try:
            pushes = message["type"] == "http.response.push"
        except (KeyError, TypeError):
            pushes = False
        if not pushes:
            await HttpExchange.send(self, message)
        elif self.state is COMPLETE:
            raise UnexpectedMessage("http.response.push came after the end of the response")
        elif self.state is not GONE:
            self._push(message)

    def _push(self, message: Any) -> None:
        path = message.get("path")
        raw_path = path.encode("utf-8") if isinstance(path, str) else b""
        if not raw_path.startswith(b"/") or not is_target(raw_path):
            raise InvalidMessage(f"http.response.push: path is {path!r:.100}, not a path with its percent-encoding")
        fields: Fields = ()
        try:
            for name, value in message.get("headers", ()):
                fields += encode_field(bytes(name), bytes(value))
        except (TypeError, ValueError) as error:
            raise InvalidMessage(f"http.response.push: headers: {error}") from error
        fields = tuple(field for field in fields if field[0] not in (b"host", b"content-length"))
        stream: MultiplexedStream = self.sink  # type: ignore[assignment]
        connection: Http2Connection = stream.connection  # type: ignore[assignment]
        host = next((value for name, value in self.head.headers if name == b"host"), b"")
        block = render_request(raw_path, connection.peer.scheme.encode("ascii"), host, fields)
        promised = 0 if stream.over else connection.engine.promise(stream.stream_id, block)
        if promised:
            # In a turn of its own: the promise goes before anything that the application sends of this response.
            head = RequestHead("GET", raw_path, ((b"host", host), *fields), version="2", authority=host)
            connection.host.loop.call_soon(connection.begin_promised, promised, head)
            connection.want_flush()
