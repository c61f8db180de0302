"""Ratio against time: each coding at each level, on bodies like those that servers send.

python packages/pounce-compression/benchmarks/bench_levels.py [bytes]
"""

from __future__ import annotations

import platform
import sys
import time
from typing import Final

from corpora import CORPORA, make

from pounce_compression import Codec, available_codings, codec_for

LEVELS: Final = {"zstd": (1, 2, 3, 4, 5, 6, 9, 12), "br": (0, 1, 2, 3, 4, 5, 6, 9), "gzip": (1, 2, 3, 4, 5, 6, 9)}
ROUNDS: Final = 7


def microseconds(codec: Codec, body: bytes) -> float:
    """CPU time of one body, whole; the best of several rounds."""
    codec.compress(body)
    begun = time.thread_time()
    codec.compress(body)
    times = max(1, min(1000, int(0.02 / max(time.thread_time() - begun, 1e-6))))
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for _ in range(times):
            codec.compress(body)
        best = min(best, (time.thread_time() - begun) / times)
    return best * 1e6


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 65_536
    print(f"{platform.python_implementation()} {sys.version.split()[0]}, bodies of {size} bytes\n")
    print("| coding | level | " + " | ".join(f"{kind}: ratio | us" for kind in CORPORA) + " |")
    print("|---|---|" + "---|---|" * len(CORPORA))
    bodies = {kind: make(kind, size) for kind in CORPORA}
    for coding in available_codings():
        for level in LEVELS.get(coding, ()):
            codec = codec_for(coding, level)
            cells = (
                f"{len(body) / len(codec.compress(body)):.2f} | {microseconds(codec, body):,.0f}"
                for body in bodies.values()
            )
            print(f"| {coding} | {level} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
