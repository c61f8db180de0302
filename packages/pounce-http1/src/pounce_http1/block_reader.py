"""The header blocks of one connection: known to the worker, nearly the same as before, or new.

Each way is only taken where it has proved to be of use: a client whose blocks have nothing in common is compared a few
times and then left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_http1.header_memo import MAX_BLOCK_BYTES
from pounce_http1.likeness import Likeness

if TYPE_CHECKING:
    from pounce_http1.header_block import Block
    from pounce_http1.header_memo import HeaderMemo

__all__ = ["BlockReader"]

_LESSONS: Final = 3
"""Pairs of blocks that are compared in vain before a connection is left alone."""


class BlockReader:
    """``holds``: the memo keeps the block that was read last, so it may be expected again."""

    __slots__ = ("_last", "_lessons", "_likeness", "_memo", "_most", "holds")

    def __init__(self, memo: HeaderMemo, most: int) -> None:
        self._memo = memo
        self._most = most
        self._likeness: Likeness | None = None
        self._last: bytes | None = None
        """The last block that had to be parsed as a whole, to be compared with the next one."""
        self._lessons = _LESSONS
        self.holds = False

    def read(self, data: bytes) -> Block | None:
        """The same as ``parse_block``, with at most so many fields as were given."""
        memo = self._memo
        likeness = self._likeness
        if likeness is not None:
            block = likeness.read(data, self._most, memo.words)
            if block is not None:
                self.holds = False
                self._lessons = _LESSONS
                return block
        block = memo.read(data, self._most)
        self.holds = memo.holds
        if self._lessons and block is not None and not memo.holds:
            self._compare(data, block)
        return block

    def _compare(self, data: bytes, block: Block) -> None:
        """Learn from every second block that is new, and not too large to be kept."""
        last = self._last
        if last is None:
            self._last = data if len(data) <= MAX_BLOCK_BYTES else None
        else:
            self._last = None
            self._lessons -= 1
            self._likeness = Likeness.between(last, data, block, self._memo.words)
