"""What keeps a comparison from being made."""

from __future__ import annotations

__all__ = ["BenchError"]


class BenchError(Exception):
    """A server did not start, did not answer, or the load could not be made. The message says what to do."""
