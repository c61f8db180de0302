"""What is counted of each change: heads and bodies read, and heads of answers written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench_parser import BROWSER, CHUNKED, pounce_with_memo

from pounce_http1 import encode_header_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]


def remembered(count: int) -> None:
    """A browser's head, the same again."""
    assert pounce_with_memo()([BROWSER % 1] * count) == count


def differing(count: int) -> None:
    """A browser's head with another cookie each time."""
    assert pounce_with_memo()([BROWSER % number for number in range(count)]) == count


def chunked(count: int) -> None:
    """A body of 64 KiB in chunks, for each ten of the others: it takes as long as ten."""
    wires = [CHUNKED % 1] * (count // 10)
    assert pounce_with_memo()(wires) == len(wires)


def field_lines(count: int) -> None:
    """One field of an answer, checked and written."""
    for _ in range(count):
        encode_header_line(b"content-type", b"text/html; charset=utf-8")


CASES: Final[dict[str, Callable[[int], None]]] = {
    "head, remembered": remembered,
    "head, differing": differing,
    "body in chunks": chunked,
    "field line": field_lines,
}
