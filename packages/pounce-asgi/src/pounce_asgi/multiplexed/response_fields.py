"""Response fields as exchanges of HTTP/2 and HTTP/3 keep them, and blocks of them that are remembered. Hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi.multiplexed.grammar import is_field_name, is_field_value
from pounce_asgi.multiplexed.request_head import CONNECTION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.contracts import HeaderPair

__all__ = ["SECRET_FIELDS", "Fields", "ResponseBlocks", "encode_field"]

Fields = tuple["HeaderPair", ...]
"""Fields of a response, names in lower case, each known to be valid."""

SECRET_FIELDS: Final = frozenset({b"set-cookie", b"authorization", b"cookie"})
"""Never to be put into anybody's table (RFC 7541, 7.1.3; RFC 9204, 7.1.3)."""

MEMO_HEADS: Final = 512
MEMO_HEAD_BYTES: Final = 1024
# 512 heads of at most 1 KiB, held as key and as block: about 1 MiB a worker.


def encode_field(name: bytes, value: bytes) -> Fields:
    """A response field as the exchange keeps it. Fields that belong to HTTP/1.1's connections become nothing.

    Raises:
        ValueError: the field may not be sent (RFC 9113, 8.2.1; RFC 9114, 4.2).
        TypeError: it is not a pair of bytes.
    """
    if type(name) is not bytes or type(value) is not bytes:
        raise TypeError("a header is a pair of bytes: (name, value)")
    name = name.lower()
    if not is_field_name(name):
        raise ValueError("the name is not a token")
    value = value.strip(b" \t")
    if not is_field_value(value):
        raise ValueError("the value holds a control character")
    return () if name in CONNECTION_FIELDS else ((name, value),)


class ResponseBlocks(dict[tuple[int, Fields], bytes]):
    """``blocks[status, fields]`` is the block of a head; status 0 stands for trailers. One for each worker.

    Blocks need no dynamic table: such a block is the same bytes on every connection at any time, so a whole head is
    rendered once and remembered. It starts anew when it is full, so that heads that never repeat cost little and never
    fill the memory.
    """

    __slots__ = ("_render",)

    def __init__(self, render: Callable[[int, Fields], bytes]) -> None:
        super().__init__()
        self._render = render

    def __missing__(self, key: tuple[int, Fields]) -> bytes:
        block = self._render(*key)
        if len(block) <= MEMO_HEAD_BYTES:
            if len(self) >= MEMO_HEADS:
                self.clear()
            self[key] = block
        return block
