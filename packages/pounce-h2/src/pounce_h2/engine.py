"""The contract between a connection and the machine that speaks frames.

An engine turns bytes into the calls of `EngineUser` and the calls of `Engine` into bytes. It keeps the states and
windows of streams, undoes HPACK, and knows nothing of requests: fields are pairs whose meaning others judge. It does no
I/O and has no clock. Exactly one file of this package knows which library does the work, so that another engine can
take its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.contracts import HeaderPair

__all__ = ["Engine", "EngineUser"]


class EngineUser(Protocol):
    """Who is told what came, in the order in which it came, before the next frame is looked at.

    A method may call the engine. One that raises `StreamFault` has the stream reset with its code, or with
    PROTOCOL_ERROR if it is a `MessageFault`; one that raises `ConnectionFault` ends the connection.
    """

    def request_received(self, stream_id: int, fields: Sequence[HeaderPair], ended: bool) -> None:
        """A stream was opened by these fields, pseudo-fields included; ``ended``: nothing follows them."""

    def trailers_received(self, stream_id: int, fields: Sequence[HeaderPair]) -> None:
        """The fields behind a body. They end it."""

    def body_received(self, stream_id: int, data: bytes, size: int, ended: bool) -> None:
        """A piece of body that took ``size`` bytes of the windows, padding included. ``data`` may be empty."""

    def stream_reset(self, stream_id: int) -> None:
        """The client gave a stream up, or broke it. It is closed."""

    def window_opened(self, stream_id: int) -> None:
        """More may be sent on a stream; on any of them if the id is 0."""

    def goaway_received(self) -> None:
        """The client will open no more streams."""

    def priority_updated(self, stream_id: int, value: bytes) -> None:
        """A PRIORITY_UPDATE frame (RFC 9218, 7.1); the stream may be closed, or not open yet."""

    def ping_acknowledged(self) -> None:
        """A ping of ours came back: what was sent before it has been seen."""

    def turn_over(self) -> bool:
        """Whether no further frame is to be looked at for now; asked between frames."""

    def chore(self, cost: int) -> None:
        """A frame came that moves no request forward. Raises `Flood` when there were too many."""

    def settings_changed(self) -> None:
        """The client's settings are others, and with them perhaps the windows of all streams (RFC 9113, 6.9.2)."""

    def stream_refused(self, stream_id: int, code: int, detail: str) -> None:
        """A stream was ended, with this code, for what its client did: by the client where there is no
        ``detail``. Raises `Flood` when there were too many.
        """


class Engine(Protocol):
    """One connection's frames. Methods about a stream that is closed do nothing."""

    last_stream_id: int
    """The highest stream that the client opened."""
    units: int
    """Frames that were complete, a block of fields counting as one. Moves as long as there is progress."""

    push_allowed: bool
    """The client takes promised streams."""
    dead: bool
    """Set to have nothing more looked at of what came."""

    @property
    def connection_window(self) -> int:
        """Bytes of body that may be sent now, on all streams together; below 0 only for streams."""

    @property
    def max_frame(self) -> int:
        """Largest payload that the client takes in one frame."""

    @property
    def unfinished(self) -> int | None:
        """What of the next frame or block of fields has come: None for nothing, the stream's id for a frame of body,
        0 for anything else.
        """

    def start(self) -> None:
        """Send our settings."""

    def start_upgraded(self, payload: bytes) -> None:
        """Send our settings; the client's are these, and stream 1 is open with nothing to follow (RFC 7540, 3.2).

        Raises:
            ConnectionFault: the payload is no settings.
        """

    def receive_data(self, data: bytes) -> bool:
        """Bytes of the client, the preface included. True when whole frames are left because the user said that its
        turn is over: call it again, with ``b""`` if nothing came.

        Raises:
            ConnectionFault: they break the protocol; what was sent of an answer is still to be flushed.
        """

    def window(self, stream_id: int) -> int:
        """Bytes of body that may be sent now on a stream; 0 when it is closed."""

    def receiving(self, stream_id: int) -> bool:
        """Whether the client may still send on this stream."""

    def sending(self, stream_id: int) -> bool:
        """Whether we may still send on this stream."""

    def send_head(self, stream_id: int, block: bytes, *, end: bool) -> None:
        """Send a block of fields that needs no dynamic table: a head, or trailers."""

    def send_data(self, stream_id: int, data: bytes, *, end: bool) -> None:
        """Send one frame of body, within the window and `max_frame`."""

    def reset(self, stream_id: int, code: int) -> None:
        """Close a stream."""

    def credit(self, stream_id: int, size: int) -> None:
        """Let the client send more on a stream. Small credits are gathered."""

    def credit_connection(self, size: int) -> None:
        """The same for all streams together."""

    def promise(self, stream_id: int, block: bytes) -> int:
        """Promise a stream, and give its id (RFC 9113, 8.4); 0 when there can be none."""

    def ping(self) -> None:
        """Ask for `EngineUser.ping_acknowledged`."""

    def goaway(self, last_stream_id: int, code: int, detail: bytes = b"") -> None:
        """Say that no stream above this id was or will be looked at."""

    def let_go(self) -> None:
        """The connection is gone: hold nothing that holds the engine. Hundreds of objects for each connection would
        wait for the garbage collector, and all others for that.
        """

    def data_to_send(self) -> list[bytes]:
        """What is to go to the client. It is forgotten here."""
