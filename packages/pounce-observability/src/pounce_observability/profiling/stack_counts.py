"""How often each stack was seen: bounded, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .stack_readers import Frame

__all__ = ["MOST_STACKS", "StackCounts"]

MOST_STACKS: Final = 20_000
"""Different stacks that are kept: about 20 MB at the worst. A minute of a busy server has a few thousand."""


class StackCounts:
    """Owned by the thread that samples."""

    def __init__(self, most: int = MOST_STACKS) -> None:
        self._most = most
        self._frames: dict[Frame, int] = {}
        self._counts: dict[tuple[str, tuple[int, ...]], int] = {}
        self.left_out = 0
        """Stacks that were seen and could not be kept."""

    def add(self, thread: str, stack: Sequence[Frame]) -> None:
        """A thread was seen with this stack, innermost frame first."""
        frames = self._frames
        key = (thread, tuple([frames.setdefault(frame, len(frames)) for frame in reversed(stack)]))
        count = self._counts.get(key)
        if count is None and len(self._counts) >= self._most:
            self.left_out += 1
        else:
            self._counts[key] = (count or 0) + 1

    def drop_unmoved(self, threads: Iterable[str], *, frames: int, samples: int) -> int:
        """Forget those of these threads that stood in one place in all of at least so many samples, with at most so
        many frames. Returns how often they were seen.
        """
        stacks: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        for key in self._counts:
            stacks.setdefault(key[0], []).append(key)
        dropped = 0
        for thread in threads:
            keys = stacks.get(thread, [])
            if len(keys) == 1 and len(keys[0][1]) <= frames and self._counts[keys[0]] >= samples:
                dropped += self._counts.pop(keys[0])
        return dropped

    def as_json(self) -> dict[str, Any]:
        """``frames`` as ``[function, file, line]``; ``stacks`` as ``[thread, places in frames, count]``, root first."""
        return {
            "frames": [list(frame) for frame in self._frames],
            "stacks": [[thread, list(places), count] for (thread, places), count in self._counts.items()],
            "left_out": self.left_out,
        }
