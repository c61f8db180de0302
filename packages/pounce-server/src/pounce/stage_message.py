"""What the events and the orders of a server's life have in common."""

from __future__ import annotations

__all__ = ["StageMessage"]


class StageMessage:
    """Data without a life of its own: two of one kind with equal fields are equal.

    There are some thirty kinds, most of them without a field, and every server imports them all: as dataclasses with
    methods of their own they took a tenth of the time that its import takes.
    """

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"
