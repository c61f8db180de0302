"""Blocks of request fields that one client has sent before. Hot path.

What HPACK's references mean depends on the connection's table, so each connection has its own. A client that asks again
and again for the same sends a few bytes that name whole fields; to undo those costs more than all else about a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import HeaderPair

__all__ = ["BlockMemo"]

INDEXED: Final = bytes(range(0x80, 0xFF))
"""Each of these is a whole field out of the tables (RFC 7541, 6.1); 0xFF begins a longer one."""
BLOCKS: Final = 16
BLOCK_BYTES: Final = 64
"""Of what is remembered; the fields themselves are in the table anyway."""


class BlockMemo:
    """Remembers blocks of indexed fields alone: they mean the same until another kind of block changes the table."""

    __slots__ = ("_blocks", "_decode")

    def __init__(self, decode: Callable[[bytes], Sequence[HeaderPair]]) -> None:
        self._decode = decode
        self._blocks: dict[bytes, tuple[HeaderPair, ...]] = {}

    def fields_of(self, block: bytes) -> tuple[HeaderPair, ...]:
        """The fields of a block. Raises what ``decode`` raises."""
        blocks = self._blocks
        indexed = not block.translate(None, INDEXED)
        if indexed and block in blocks:
            return blocks[block]
        fields = tuple(self._decode(block))
        if not indexed or len(blocks) >= BLOCKS:
            blocks.clear()
        if indexed and len(block) <= BLOCK_BYTES:
            blocks[block] = fields
        return fields
