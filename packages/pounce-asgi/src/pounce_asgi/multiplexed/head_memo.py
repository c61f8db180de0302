"""Request heads that were seen before. A client sends nearly the same fields again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi.multiplexed.request_head import RequestHead, read_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import HeaderPair, HeadLimits

__all__ = ["HeadMemo"]

MEMO_HEADS: Final = 256
MEMO_HEAD_BYTES: Final = 2048
# 256 heads of at most 2 KiB, held as key and as head, twice: below 3 MiB a worker.


class HeadMemo:
    """Reads heads, and remembers them. One for each worker; not thread-safe.

    It starts anew when it is full, so that heads that never repeat cost little and never fill the memory.
    """

    __slots__ = ("_ended", "_extended", "_limits", "_open", "_version")

    def __init__(self, limits: HeadLimits, *, version: str, extended: bool) -> None:
        """``version``: of HTTP; ``extended``: ``:protocol`` is allowed (RFC 8441, 3; RFC 9220, 3)."""
        self._limits = limits
        self._version = version
        self._extended = extended
        self._ended: dict[tuple[HeaderPair, ...], RequestHead] = {}
        self._open: dict[tuple[HeaderPair, ...], RequestHead] = {}

    def read(self, fields: Sequence[HeaderPair], *, ended: bool) -> RequestHead:
        """The head of these fields; see `pounce_asgi.multiplexed.request_head.read_head`."""
        memo = self._ended if ended else self._open
        key = tuple(fields)
        head = memo.get(key)
        if head is None:
            head = read_head(fields, self._limits, version=self._version, ended=ended, extended=self._extended)
            if sum(len(name) + len(value) for name, value in fields) <= MEMO_HEAD_BYTES:
                if len(memo) >= MEMO_HEADS:
                    memo.clear()
                memo[key] = head
        return head
