"""What the engine has been given and has not sent: little enough that the order of streams is still ours to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CONNECTION_BYTES", "STREAM_BYTES", "Ahead"]

STREAM_BYTES: Final = 32_768
"""Of one stream. It waits in memory for a client that grants no window."""
CONNECTION_BYTES: Final = 131_072
"""Of all streams that move: some hundred datagrams, which is more than goes out between two turns of a loop."""
LEAST_BYTES: Final = 4096
"""Less room than this is none."""
MANY: Final = 64
"""Streams that are remembered before those that are done are looked for."""
STUCK: Final = 0.25
"""Seconds after which a stream of which nothing left holds up no others: its client keeps its window closed."""


class Ahead:
    """Counts bytes by what the engine says of its backlog, which is asked for only when it matters. Hot path."""

    __slots__ = ("_asked", "_look_at", "_moved", "_total", "backlog")

    def __init__(self) -> None:
        self.backlog: Callable[[int], int] = _nothing
        """What the engine has of a stream; see `pounce_h3.quic.Quic.backlog`."""
        self._moved: dict[int, float] = {}
        """When bytes of a stream left for the last time, as far as is known."""
        self._asked: set[int] = set()
        """Of which streams the engine will tell when bytes leave."""
        self._look_at = MANY
        self._total = 0
        """No less than the bytes of streams that are not stuck."""

    def __len__(self) -> int:
        return len(self._moved)

    def add(self, stream_id: int, size: int, now: float) -> None:
        """So many bytes were given to the engine."""
        self._total += size
        if stream_id not in self._moved:
            if len(self._moved) >= self._look_at:
                self._count(now)
                self._look_at = max(MANY, 2 * len(self._moved))
            self._moved[stream_id] = now

    def fell(self, stream_id: int, now: float) -> None:
        """Bytes of a stream have left."""
        if stream_id in self._moved:
            self._moved[stream_id] = now
            self._asked.discard(stream_id)

    def forget(self, stream_id: int) -> None:
        """A stream was reset."""
        self._moved.pop(stream_id, None)
        self._asked.discard(stream_id)

    def connection_room(self, now: float) -> int:
        """Bytes that may be given for all streams together."""
        if self._total > CONNECTION_BYTES - LEAST_BYTES:
            self._count(now)
        room = CONNECTION_BYTES - self._total
        return room if room >= LEAST_BYTES else 0

    def stream_room(self, stream_id: int) -> int:
        """Bytes that may be given for one. Where there is no room, `fell` will say when there is."""
        if stream_id not in self._moved:
            return STREAM_BYTES
        room = STREAM_BYTES - self._ask(stream_id)
        return room if room >= LEAST_BYTES else 0

    def moves(self, stream_id: int, now: float) -> bool:
        """Whether something of a stream waits here and bytes of it have left lately."""
        moved = self._moved.get(stream_id)
        return moved is not None and now - moved < STUCK and self._ask(stream_id) > 0

    def watch(self) -> None:
        """Let the engine tell when bytes of any stream leave, those among them that are over."""
        for stream_id in tuple(self._moved):
            self._ask(stream_id)

    def empty(self, now: float) -> bool:
        """Whether everything has left for the first time."""
        if self._moved:
            self._count(now)
        return not self._moved

    def stalled(self, since: float, now: float) -> list[int]:
        """Streams of which something waits and nothing has left since then."""
        return [
            stream_id
            for stream_id, moved in tuple(self._moved.items())
            if moved <= since and self._was_asked(stream_id, now) and self._ask(stream_id)
        ]

    def _was_asked(self, stream_id: int, now: float) -> bool:
        """Whether the time of its last movement is known; from now on it is."""
        if stream_id in self._asked:
            return True
        if self._ask(stream_id):
            self._moved[stream_id] = now
        return False

    def _ask(self, stream_id: int) -> int:
        size = self.backlog(stream_id)
        if size:
            self._asked.add(stream_id)
        else:
            self.forget(stream_id)
        return size

    def _count(self, now: float) -> None:
        total = 0
        for stream_id, moved in tuple(self._moved.items()):
            known = stream_id in self._asked
            size = self._ask(stream_id)
            if not known or now - moved < STUCK:
                total += size
        self._total = total


def _nothing(_stream_id: int) -> int:
    return 0
