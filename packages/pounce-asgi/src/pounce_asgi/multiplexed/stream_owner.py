"""What a stream asks of its connection, and of what speaks the frames of its version of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pounce_asgi.exchange_context import ExchangeContext, Peer
    from pounce_asgi.multiplexed.request_head import RequestHead
    from pounce_asgi.multiplexed.response_fields import Fields
    from pounce_asgi.multiplexed.scheduler import Scheduler
    from pounce_asgi.multiplexed.stream import MultiplexedStream
    from pounce_asgi.wire_host import WireHost

__all__ = ["StreamEngine", "StreamOwner"]


class StreamEngine(Protocol):
    """Makes frames. About a stream that is closed it does nothing."""

    def send_head(self, stream_id: int, block: bytes, *, end: bool) -> None:
        """Send a block of fields, as the connection's ``blocks`` have it."""

    def send_data(self, stream_id: int, data: bytes, *, end: bool) -> None:
        """Send a frame of body."""

    def receiving(self, stream_id: int) -> bool:
        """Whether more of a request may come."""

    def reset(self, stream_id: int, code: int) -> None:
        """End a stream, both of its sides."""


class StreamOwner(Protocol):
    """A connection, as its streams see it."""

    internal_error: int
    """Code of a stream whose response cannot be completed."""
    cancelled: int
    """Code of a stream that is not wanted any more."""
    host: WireHost
    scheduler: Scheduler
    peer: Peer

    @property
    def blocks(self) -> Mapping[tuple[int, Fields], bytes]:
        """Heads in the form that ``send_head()`` wants; status 0 stands for trailers."""

    @property
    def engine(self) -> StreamEngine:
        """What makes the frames."""

    @property
    def context(self) -> ExchangeContext[Fields]:
        """The surroundings of exchanges."""

    def want_flush(self) -> None:
        """Something is to be sent before the loop waits again."""

    def flush_now(self) -> None:
        """Something is to be sent for which there may be no later turn: its application may have ended the process."""

    def may_send_at_once(self, stream_id: int, size: int) -> bool:
        """Whether a piece of body can go out whole, and before whatever waits."""

    def count_sent(self, size: int) -> None:
        """A frame of body was handed to the engine."""

    def take_in(self, stream_id: int, kept: int, size: int) -> None:
        """``size`` bytes of the windows were used, of which ``kept`` wait for an application."""

    def give_credit(self, stream_id: int, size: int) -> None:
        """An application took so many bytes of a body."""

    def release(self, stream_id: int, size: int) -> None:
        """So many bytes of a body will never be taken by an application."""

    def forget(self, stream_id: int, waiting: int) -> None:
        """A stream is over; ``waiting`` bytes of its body were never taken."""

    def tell_of_reset(self, stream_id: int, code: int) -> None:
        """A stream was cut off by us."""

    def response_done(self, stream_id: int) -> None:
        """The answer is complete. What is left of the request is not wanted."""

    def start_exchange(self, stream: MultiplexedStream, head: RequestHead) -> None:
        """Call the application with an ordinary request."""
