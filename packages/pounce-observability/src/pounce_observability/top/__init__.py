"""A live view of a running server, in a terminal."""

from __future__ import annotations

from pounce_observability.top.command import top

__all__ = ["top"]
