"""A stream of qh3."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Qh3Stream"]


@dataclass(slots=True)
class Qh3Stream:
    """What the core does not tell."""

    sending: bool
    receiving: bool = True
    stopped: bool = False
    reset: bool = False
    unused: int = 0
    """Bytes told of and not credited."""
