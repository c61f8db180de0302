"""Bytes that nobody thought of, made of bytes that somebody did: seeds, a dictionary, and a generator of chance.

The same seed of the generator makes the same bytes, on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

__all__ = ["LONGEST", "Mutator"]

LONGEST: Final = 4096
"""Bytes of an input. What happens only in larger ones is found by doubling (test_work.py), not by chance."""

_NUMBERS: Final = (
    b"0 1 5 9 10 16 99 100 126 127 128 255 256 65535 65536 2147483647 4294967296 9223372036854775807 "
    b"9223372036854775808 18446744073709551615 18446744073709551616 00 -1 +1 0x5 1_0 1e3 999999999999999999999"
).split()
_BYTES: Final = b"\x00\x01\x09\x0a\x0b\x0d\x1f\x20\x22\x25\x2c\x3a\x3b\x3d\x5c\x7f\x80\xa0\xc3\xfe\xff"


class Mutator:
    """Makes an input of others. Owned by one thread."""

    def __init__(self, chance: random.Random, dictionary: Sequence[bytes]) -> None:
        self._chance = chance
        self._words = [*dictionary, *_NUMBERS, b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0"]
        self._ways = (
            self._replace_byte,
            self._flip_bit,
            self._insert_word,
            self._insert_word,
            self._replace_by_word,
            self._delete,
            self._repeat,
            self._swap,
            self._cut_end,
            self._replace_number,
        )

    def mutate(self, corpus: Sequence[bytes]) -> bytes:
        """One of the corpus, damaged in one to six places; now and then two of them in one."""
        chance = self._chance
        data = bytearray(chance.choice(corpus))
        if chance.random() < 0.15:
            other = chance.choice(corpus)
            data = data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]
        for _ in range(1 + int(chance.expovariate(0.8)) % 6):
            chance.choice(self._ways)(data)
        return bytes(data[:LONGEST])

    def _place(self, data: bytearray) -> int:
        return self._chance.randint(0, len(data))

    def _replace_byte(self, data: bytearray) -> None:
        if data:
            odd = self._chance.random() < 0.5
            data[self._chance.randrange(len(data))] = (
                self._chance.choice(_BYTES) if odd else self._chance.randrange(256)
            )

    def _flip_bit(self, data: bytearray) -> None:
        if data:
            data[self._chance.randrange(len(data))] ^= 1 << self._chance.randrange(8)

    def _insert_word(self, data: bytearray) -> None:
        place = self._place(data)
        data[place:place] = self._chance.choice(self._words)

    def _replace_by_word(self, data: bytearray) -> None:
        place = self._place(data)
        word = self._chance.choice(self._words)
        data[place : place + self._chance.randint(0, max(1, len(word)))] = word

    def _delete(self, data: bytearray) -> None:
        place = self._place(data)
        del data[place : place + self._chance.randint(1, 8)]

    def _repeat(self, data: bytearray) -> None:
        start = self._place(data)
        piece = data[start : start + self._chance.choice((1, 2, 4, 16, 64))]
        data[start:start] = piece * self._chance.choice((1, 1, 2, 7))

    def _swap(self, data: bytearray) -> None:
        one, two = sorted((self._place(data), self._place(data)))
        size = min(two - one, self._chance.randint(1, 16))
        data[one : one + size], data[two : two + size] = data[two : two + size], data[one : one + size]

    def _cut_end(self, data: bytearray) -> None:
        if self._chance.random() < 0.3:
            del data[self._place(data) :]

    def _replace_number(self, data: bytearray) -> None:
        """The digits at some place, or the next after it, become another number."""
        start = self._place(data)
        while start < len(data) and not 48 <= data[start] <= 57:
            start += 1
        end = start
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
        if start < end:
            data[start:end] = self._chance.choice(_NUMBERS)
