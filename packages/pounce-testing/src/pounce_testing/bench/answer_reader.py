"""Finds where one HTTP/1.1 answer ends, as cheaply as a load generator needs it: heads that repeat are looked at once.

It does not judge answers: that has been done with the first one (see `pounce_testing.bench.serving`).
"""

from __future__ import annotations

from typing import Final

__all__ = ["AnswerError", "AnswerReader"]

REMEMBERED: Final = 256
"""Heads whose meaning is kept; Date changes once a second, so a long run meets many."""
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2


class AnswerError(Exception):
    """These bytes are no HTTP/1.1."""


class AnswerReader:
    """The answers of one connection, to requests that are not HEAD."""

    def __init__(self) -> None:
        self._buffer = b""
        self._known: dict[bytes, tuple[int, int, bool]] = {}

    def receive(self, data: bytes) -> tuple[int, bool] | None:
        """Status of the answer that is complete now, and whether the connection ends with it; None while it is not.

        Raises:
            AnswerError: it is no HTTP/1.1, or more came than was asked for.
        """
        self._buffer = buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = buffer[:end]
        meaning = self._known.get(head) or self._look_at(head)
        status, length, closes = meaning
        if length == CHUNKED:
            if not buffer.endswith(b"0\r\n\r\n"):  # no trailers follow, for none were asked for
                return None
        elif length == UNTIL_CLOSE or len(buffer) < end + 4 + length:
            return None
        elif len(buffer) > end + 4 + length:
            raise AnswerError("more came than was asked for")
        self._buffer = b""
        return status, closes

    def closed(self) -> int | None:
        """The server has closed: the status of an answer that ends so; None where that cuts an answer off."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        try:
            status, length, _ = self._look_at(self._buffer[:end])
        except AnswerError:
            return None
        return status if length == UNTIL_CLOSE else None

    def _look_at(self, head: bytes) -> tuple[int, int, bool]:
        line, _, rest = head.partition(b"\r\n")
        words = line.split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise AnswerError(f"not a status line: {line!r}")
        status, length, closes = int(words[1]), UNTIL_CLOSE, False
        if status in (204, 304):
            length = 0
        for field in rest.split(b"\r\n"):
            name, _, value = field.partition(b":")
            name, value = name.lower(), value.strip().lower()
            if name == b"content-length" and length == UNTIL_CLOSE:
                length = int(value)
            elif name == b"transfer-encoding" and value == b"chunked" and length != 0:
                length = CHUNKED
            elif name == b"connection":
                closes = value == b"close"
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        meaning = self._known[head] = (status, length, closes or length == UNTIL_CLOSE)
        return meaning
