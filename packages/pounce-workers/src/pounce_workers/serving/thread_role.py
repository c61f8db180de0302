"""What a thread of an `AsyncWorkerPool` is there for.

FRONT  -> POOL    its request goes on for long: it keeps that, and a fresh thread is FRONT in its place
FRONT  -> ENDED   the pool ends
POOL   -> ENDED   nothing is left on its loop, or the pool ends
SHARED -> ENDED   the pool ends
"""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["NEXT", "Role", "change"]


class Role(enum.Enum):
    """What a thread takes."""

    FRONT = "front"
    """One request at a time, from the queue."""
    POOL = "pool"
    """Nothing: it sees to the end of what it has."""
    SHARED = "shared"
    """Every request that is known from the start to be long."""
    ENDED = "ended"
    """Its loop is closed, or about to be."""


NEXT: Final[dict[Role, frozenset[Role]]] = {
    Role.FRONT: frozenset({Role.POOL, Role.ENDED}),
    Role.POOL: frozenset({Role.ENDED}),
    Role.SHARED: frozenset({Role.ENDED}),
    Role.ENDED: frozenset(),
}


def change(role: Role, to: Role) -> Role:
    """The new role.

    Raises:
        RuntimeError: no thread may go from the one to the other.
    """
    if to not in NEXT[role]:
        raise RuntimeError(f"a thread that is {role.value} cannot become {to.value}")
    return to
