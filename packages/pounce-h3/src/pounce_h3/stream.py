"""One request and its response over HTTP/3. Hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_asgi.multiplexed import MultiplexedStream

if TYPE_CHECKING:
    from pounce_asgi.contracts import BodyFraming
    from pounce_asgi.multiplexed import Fields
    from pounce_h3.connection import Http3Connection

__all__ = ["Http3Stream"]


class Http3Stream(MultiplexedStream):
    """A `MultiplexedStream` that hands a small response to its engine in one piece."""

    __slots__ = ()

    connection: Http3Connection

    def send_head(
        self, status: int, headers: Fields, framing: BodyFraming, body: bytes, end: bool, close: bool
    ) -> None:
        """Send the head, and what may be sent of the first piece of body."""
        connection = self.connection
        if not end or not body or self.over or not connection.may_send_at_once(self.stream_id, len(body)):
            MultiplexedStream.send_head(self, status, headers, framing, body, end, close)
            return
        connection.count_sent(len(body))
        connection.engine.send_whole(self.stream_id, connection.blocks[status, headers], body)
        self._sent_all()
        connection.want_flush()
        if status == 500:  # the application failed, perhaps to end the process
            connection.flush_now()
