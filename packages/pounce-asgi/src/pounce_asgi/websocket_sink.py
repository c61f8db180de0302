"""What a WebSocket exchange asks of the connection whose bytes it never sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.contracts import HeaderPair

__all__ = ["NOBODY", "WebSocketSink"]


class WebSocketSink(Protocol):
    """The sending half of one WebSocket; a wire package implements it. No method waits or calls the application."""

    def accept(self, subprotocol: str | None, fields: Sequence[HeaderPair]) -> None:
        """Answer the handshake: the application takes the connection. ``fields`` are valid response fields."""

    def send_text(self, text: str) -> int:
        """Send a text message; returns its size in bytes.

        Raises:
            UnicodeEncodeError: a surrogate, which UTF-8 cannot hold.
        """

    def send_bytes(self, data: bytes) -> int:
        """Send a binary message; returns its size in bytes."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, or answer the one that the client began.

        ``code`` may be sent (RFC 6455, 7.4) and ``reason`` fits into a frame.
        """

    def resume_messages(self) -> None:
        """The application has taken what waited: messages may come again. Only after ``message_received()`` was True,
        and they come in a later turn of the loop.
        """


class _Nobody:
    """What stands for the sink of a WebSocket that is over: with the sink in its place the two would keep each other,
    and all that is theirs, until the garbage collector comes.
    """

    def accept(self, subprotocol: str | None, fields: Sequence[HeaderPair]) -> None:
        """Nobody is there."""

    def send_text(self, text: str) -> int:  # noqa: ARG002 - the sink's interface
        """Nobody is there."""
        return 0

    def send_bytes(self, data: bytes) -> int:  # noqa: ARG002 - the sink's interface
        """Nobody is there."""
        return 0

    def close(self, code: int, reason: str) -> None:
        """It is over."""

    def resume_messages(self) -> None:
        """Nothing more comes."""


NOBODY: Final = _Nobody()
