"""Remembered header blocks: the same bytes mean the same fields.

A client sends the same block with each request of a connection, and so does a proxy for its clients; or nearly the same
(likeness.py). A memo belongs to one worker (it is not thread-safe) and serves all its connections.

Ever-differing heads, hostile or not, must neither grow it nor pay for it. So a block is kept at its second sight only,
it must be small, the whole memo is bounded in entries and bytes, and after a run of misses most look-ups are skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_http1.header_block import parse_block
from pounce_http1.second_sight import SecondSight
from pounce_http1.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pounce_http1.header_block import Block
    from pounce_http1.limits import Limits

__all__ = ["HeaderMemo"]

MAX_BLOCK_BYTES: Final = 2048
"""A browser's block with its cookies has 500 to 1500 bytes. Larger ones seldom come twice and cost more to hash."""

_PATIENCE: Final = 32
"""Misses in a row after which most look-ups are skipped."""

_REST: Final = 15
"""Look-ups skipped for one that is tried, while nothing is found."""


class HeaderMemo:
    """Header blocks by their bytes, from the version on.

    At most ``max_entries`` blocks and ``max_bytes`` bytes of them are kept; what is parsed from them takes about three
    times as much again. When either bound is reached, the memo starts afresh: what is in use is back after two sights.
    """

    __slots__ = ("_blocks", "_limits", "_misses", "_resting", "holds", "words")

    def __init__(self, *, max_entries: int = 256, max_bytes: int = 131_072) -> None:
        self._limits: Limits | None = None
        self._blocks: SecondSight[Block] = SecondSight(max_entries=max_entries, max_bytes=max_bytes)
        self._misses = 0
        self._resting = 0
        self.holds = False
        """The last block that was read is kept: it may be expected again."""
        self.words = Vocabulary()

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def kept_bytes(self) -> int:
        """Bytes of all blocks that are kept."""
        return self._blocks.bytes

    def bind(self, limits: Limits) -> None:
        """Called by each reader. What is remembered was judged by these limits, so all readers must have the same."""
        if self._limits is None:
            self._limits = limits
        elif self._limits is not limits and self._limits != limits:
            raise ValueError("readers that share a HeaderMemo must have equal limits")

    def read(self, data: bytes, most: int) -> Block | None:
        """The same as ``parse_block``."""
        self.holds = looked = False
        if self._resting:
            self._resting -= 1
        elif len(data) <= MAX_BLOCK_BYTES:
            block = self._blocks.get(data)
            if block is not None:
                self._misses = 0
                self.holds = True
                return block
            looked = True
            self._misses += 1
            if self._misses > _PATIENCE:
                self._resting = _REST
        block = parse_block(data, most, self.words)
        if looked and block is not None:
            self.holds = self._blocks.offer(data, block)
        return block
