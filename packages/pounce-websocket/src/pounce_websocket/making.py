"""A large message is made in turns: to decompress it, or to look at all of its text, takes tens of milliseconds."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from pounce_websocket.errors import InvalidPayload

if TYPE_CHECKING:
    from pounce_websocket.deflate import Inflater
    from pounce_websocket.pile import Pile

__all__ = ["TURN_BYTES", "Making", "as_text"]

TURN_BYTES: Final = 131_072
"""Made in one turn: some 0.2 ms, decompressed."""

_NOT_UTF_8: Final = "a text message is not UTF-8"
_UTF_8: Final = codecs.getincrementaldecoder("utf-8")


class Making:
    """One message, all of which has come. Only to put its parts together is not divided."""

    __slots__ = ("_decoder", "_inflater", "_parts", "_pile", "_texts", "made")

    def __init__(self, pile: Pile, inflater: Inflater | None, *, text: bool) -> None:
        """``inflater`` where it is compressed."""
        self._pile = pile
        self._inflater = inflater
        self._decoder = _UTF_8() if text else None
        # Put together at the end, in one piece of memory: to let that grow is to copy it, which took 10 ms in one turn.
        self._parts: list[bytes] = []
        self._texts: list[str] = []
        self.made = 0
        """Bytes of the last turn."""

    def add(self, content: bytes, *, last: bool = False) -> None:
        """Put what has been decompressed to the rest.

        Raises:
            InvalidPayload: it is to be text, and is not UTF-8.
        """
        self.made += len(content)
        if self._decoder is None:
            self._parts.append(content)
            return
        try:
            self._texts.append(self._decoder.decode(content, last))
        except UnicodeDecodeError:
            raise InvalidPayload(_NOT_UTF_8) from None

    def go_on(self) -> bool:
        """Make some of it. True: it is whole.

        Raises:
            ConversationFailed: it is no message, or larger than is allowed.
        """
        self.made = 0
        inflater, pile = self._inflater, self._pile
        whole = False
        while not whole and self.made < TURN_BYTES:
            most = TURN_BYTES - self.made
            if inflater is None:
                content = pile.take(most)
                whole = not pile.size
            else:
                content = inflater.some(pile, most)
                whole = not inflater.under_way
                self.made += inflater.idle_bytes
            self.add(content, last=whole)
        return whole

    def content(self) -> str | bytes:
        """The message, once it is whole."""
        if self._decoder is None:
            parts, self._parts = self._parts, []
            return b"".join(parts)
        texts, self._texts = self._texts, []
        return "".join(texts)


def as_text(payload: bytes) -> str:
    """A text message.

    Raises:
        InvalidPayload: it is not UTF-8.
    """
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise InvalidPayload(_NOT_UTF_8) from None
