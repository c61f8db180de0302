"""Remembered header blocks: the same bytes mean the same fields.

A client sends the same block with each request of a connection, and so does a proxy for its clients. A memo belongs to
one worker (it is not thread-safe) and serves all its connections.

Ever-differing heads, hostile or not, must neither grow it nor pay for it. So a block is kept at its second sight only,
it must be small, the whole memo is bounded in entries and bytes, and after a run of misses most look-ups are skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_http1.field_lines import KNOWN_NAMES, Names
from pounce_http1.head import HeaderFacts

if TYPE_CHECKING:
    from pounce_http1.header_block import Block
    from pounce_http1.limits import Limits

__all__ = ["HeaderMemo"]

MAX_BLOCK_BYTES: Final = 2048
"""A browser's block with its cookies has 500 to 1500 bytes. Larger ones seldom come twice and cost more to hash."""

_SIGHTS: Final = 512
"""Slots of the table of first sights, a power of two. Two blocks in one slot forget each other, which is harmless."""

_PATIENCE: Final = 32
"""Misses in a row after which most look-ups are skipped."""

_REST: Final = 15
"""Look-ups skipped for one that is tried, while nothing is found."""


class HeaderMemo:
    """Header blocks by their bytes, for HTTP/1.1 requests.

    At most ``max_entries`` blocks and ``max_bytes`` bytes of them are kept; what is parsed from them takes about three
    times as much again. When either bound is reached, the memo starts afresh: what is in use is back after two sights.
    """

    __slots__ = (
        "_blocks",
        "_limits",
        "_looked",
        "_max_bytes",
        "_max_entries",
        "_misses",
        "_resting",
        "_sights",
        "bytes",
        "names",
        "plain",
    )

    def __init__(self, *, max_entries: int = 256, max_bytes: int = 131_072) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._limits: Limits | None = None
        self._blocks: dict[bytes, Block] = {}
        self._sights = [0] * _SIGHTS
        self._misses = 0
        self._resting = 0
        self._looked = False
        """The last ``find()`` was one of those that look."""
        self.bytes = 0
        """Bytes of all blocks that are kept."""
        self.names = Names((spelling, bytes(bytearray(name))) for spelling, name in KNOWN_NAMES.items())
        self.plain = HeaderFacts("1.1", None, False, True)
        """Copies for this worker alone: on free-threaded builds even counting references to shared objects contends."""

    def __len__(self) -> int:
        return len(self._blocks)

    def bind(self, limits: Limits) -> None:
        """Called by each reader. What is remembered was judged by these limits, so all readers must have the same."""
        if self._limits is None:
            self._limits = limits
        elif self._limits is not limits and self._limits != limits:
            raise ValueError("readers that share a HeaderMemo must have equal limits")

    def find(self, block: bytes) -> Block | None:
        """What these bytes were parsed to, if they are remembered. After None comes ``offer()``."""
        self._looked = False
        if len(block) > MAX_BLOCK_BYTES:
            return None
        if self._resting:
            self._resting -= 1
            return None
        self._looked = True
        found = self._blocks.get(block)
        if found is None:
            self._misses += 1
        else:
            self._misses = 0
        return found

    def offer(self, block: bytes, fields: Block) -> bool:
        """Keep what was parsed if these bytes were offered before; whether it is kept now."""
        if not self._looked:
            return False
        if self._misses > _PATIENCE:
            self._resting = _REST
        sight = hash(block)
        slot = sight % _SIGHTS
        if self._sights[slot] != sight:
            self._sights[slot] = sight
            return False
        if len(self._blocks) >= self._max_entries or self.bytes + len(block) > self._max_bytes:
            self._blocks.clear()
            self.bytes = 0
        if block not in self._blocks:
            self.bytes += len(block)
        self._blocks[block] = fields
        return True
