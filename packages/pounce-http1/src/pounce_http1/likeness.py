"""What two header blocks have in common: for blocks that are nearly the same as before.

Most clients change a line or two from request to request: a request id, a cookie, a length. What comes before and after
those lines is recognised by its bytes, and neither parsed nor judged again. Must be fast: it runs for every request of
such a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_http1.header_block import Block, block_of

if TYPE_CHECKING:
    from pounce_http1.field_lines import Field
    from pounce_http1.head import HeaderFacts
    from pounce_http1.vocabulary import Vocabulary

__all__ = ["Likeness"]


class Likeness:
    """The lines that blocks begin and end with, and what they were parsed to. Only for HTTP/1.1."""

    __slots__ = ("_after", "_before", "_facts", "_fields_after", "_fields_before")

    def __init__(
        self,
        before: bytes,
        after: bytes,
        fields_before: tuple[Field, ...],
        fields_after: tuple[Field, ...],
        facts: HeaderFacts | None,
    ) -> None:
        self._before = before
        """From the version on, whole lines."""
        self._after = after
        """Whole lines, and the empty one."""
        self._fields_before = fields_before
        self._fields_after = fields_after
        self._facts = facts
        """Of a block in which no other line is decisive; None if that is not known."""

    @classmethod
    def between(cls, old: bytes, new: bytes, block: Block, words: Vocabulary) -> Likeness | None:
        """What these two have in common, if it is half of the new one's fields. ``block``: what that was parsed to."""
        fields, facts = block
        if facts.http_version != "1.1":
            return None
        old_lines, new_lines = old.split(b"\r\n"), new.split(b"\r\n")
        most = min(len(old_lines), len(new_lines)) - 2  # behind the fields there are two line ends
        before = 0
        while before < most and old_lines[before] == new_lines[before]:
            before += 1
        after = 0
        while after < most - before and old_lines[-3 - after] == new_lines[-3 - after]:
            after += 1
        start, end = before - 1, len(fields) - after  # the version is a line, too
        if start < 0 or (end - start) * 2 > len(fields):
            return None
        return cls(
            b"\r\n".join(new_lines[:before]) + b"\r\n",
            b"\r\n".join(new_lines[-2 - after :]),
            fields[:start],
            fields[end:],
            None if any(name in words.noted for name, _ in fields[start:end]) else facts,
        )

    def read(self, data: bytes, most: int, words: Vocabulary) -> Block | None:
        """The same as ``parse_block``, or None if this block is not alike or in doubt."""
        if not data.startswith(self._before) or not data.endswith(self._after):
            return None
        start, end = len(self._before), len(data) - len(self._after)
        if start > end:
            return None
        noted: list[Field] = []
        note, noted_names, names = noted.append, words.noted, words.names
        between = [
            (lower, value)
            for name, value in words.scan(data, start, end)
            if (lower := names[name]) not in noted_names or note((lower, value)) is None  # always true
        ]
        if noted and not noted[-1][0]:
            return None
        fields = (*self._fields_before, *between, *self._fields_after)
        facts = self._facts
        if noted or facts is None:
            return block_of(fields, [field for field in fields if field[0] in noted_names], most, words)
        return None if len(fields) > most else (fields, facts)
