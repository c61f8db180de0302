"""What a connection of a QUIC library tells ``QuicEngine``, in the order in which it happened.

Plain tuples whose first item is the kind, because one is made for every packet of a body.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = ["DATA", "HANDSHAKE", "RESET", "STOPPED", "Happened"]

DATA: Final = 0
RESET: Final = 1
STOPPED: Final = 2
HANDSHAKE: Final = 3

Happened: TypeAlias = (
    tuple[Literal[0], int, bytes, bool]  # stream, bytes, whether they are the last
    | tuple[Literal[1], int, int]  # stream, code of RESET_STREAM
    | tuple[Literal[2], int, int]  # stream, code of STOP_SENDING
    | tuple[Literal[3]]
)
