"""Time the two ways to unmask a payload, to say from which size on which is faster.

python benchmarks/bench_masking.py
"""

from __future__ import annotations

import os
import sys
import timeit
from typing import TYPE_CHECKING

from pounce_websocket.frames import unmask

if TYPE_CHECKING:
    from collections.abc import Callable

XOR = tuple(bytes(one ^ other for one in range(256)) for other in range(256))


def by_integers(mask: bytes, data: bytes) -> bytes:
    words = (len(data) + 3) >> 2
    number = int.from_bytes(data, "little") ^ int.from_bytes(mask * words, "little")
    return number.to_bytes(words << 2, "little")[: len(data)]


def by_translation(mask: bytes, data: bytes) -> bytes:
    plain = bytearray(data)
    for offset in range(4):
        plain[offset::4] = plain[offset::4].translate(XOR[mask[offset]])
    return bytes(plain)


def microseconds(function: Callable[[bytes, bytes], bytes], data: bytes) -> float:
    number = max(3, 2_000_000 // (len(data) + 100))
    return min(timeit.repeat(lambda: function(b"\x37\xfa\x21\x3d", data), number=number, repeat=5)) / number * 1e6


if __name__ == "__main__":
    print(f"{sys.version.split()[0]}, microseconds for one payload")
    print(f"{'bytes':>8} {'integers':>9} {'translation':>11} {'as chosen':>9}")
    for size in (5, 64, 125, 256, 512, 1024, 4096, 65536, 1048576):
        payload = os.urandom(size)
        times = [microseconds(way, payload) for way in (by_integers, by_translation, unmask)]
        print(f"{size:8} {times[0]:9.2f} {times[1]:11.2f} {times[2]:9.2f}")
