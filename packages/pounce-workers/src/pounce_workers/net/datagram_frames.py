"""What the processes of a server write to each other about datagrams. Both sides are of one version, on one machine."""

from __future__ import annotations

import enum
import json
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce_asgi import DatagramPath

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Frame", "FrameKind", "read_frames", "write_frame"]

_HEAD: Final = struct.Struct("!BBHHH")
"""Kind, and the bytes of ID, path, source and datagram."""


class FrameKind(enum.IntEnum):
    """What is meant with it."""

    ASK = 1
    """Whose is this? The owner handles it and answers MINE, the others NOT_MINE."""
    PASS = 2
    """This is yours, as you have said. If it is not any more, answer NOT_MINE."""
    MINE = 3
    NOT_MINE = 4


class Frame(NamedTuple):
    """One piece of a message."""

    kind: FrameKind
    connection_id: bytes
    path: DatagramPath | None = None
    data: bytes = b""


def write_frame(frame: Frame) -> bytes:
    """Its form on the way."""
    path = frame.path
    place = source = b""
    if path is not None:
        place = json.dumps((path.client, path.local, path.remote, path.place)).encode()
        source = path.source
    head = _HEAD.pack(frame.kind, len(frame.connection_id), len(place), len(source), len(frame.data))
    return b"".join((head, frame.connection_id, place, source, frame.data))


def read_frames(message: bytes) -> Iterator[Frame]:
    """The frames of a message. Raises ValueError for what is none, which a process of another version might send."""
    at = 0
    while at < len(message):
        try:
            kind, *sizes = _HEAD.unpack_from(message, at)
        except struct.error as error:
            raise ValueError("a frame that is cut off") from error
        at += _HEAD.size
        parts = []
        for size in sizes:
            parts.append(message[at : at + size])
            at += size
        if at > len(message):
            raise ValueError("a frame that is cut off")
        connection_id, place, source, data = parts
        yield Frame(FrameKind(kind), connection_id, _path(place, source) if place else None, data)


def _path(place: bytes, source: bytes) -> DatagramPath:
    client, local, remote, number = json.loads(place)
    return DatagramPath((client[0], client[1]), (local[0], local[1]), tuple(remote), source, number)
