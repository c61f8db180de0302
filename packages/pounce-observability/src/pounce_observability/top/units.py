"""Numbers for a narrow column, and text that a terminal can be given."""

from __future__ import annotations

import math

__all__ = ["bytes_text", "duration", "number", "printable"]

UNKNOWN = "-"


def number(value: float | None) -> str:
    """``0``, ``4.2``, ``137``, ``1,234``, ``12.3k``, ``4.5M``."""
    if value is None:
        return UNKNOWN
    if value >= 1_000_000:
        return f"{value / 1_000_000:.1f}M"
    if value >= 10_000:
        return f"{value / 1000:.1f}k"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def bytes_text(value: float | None) -> str:
    """``512 B``, ``4.0 KiB``, ``1.2 MiB``."""
    if value is None:
        return UNKNOWN
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def duration(seconds: float | None) -> str:
    """``0.4ms``, ``12ms``, ``3.2s``, ``4m10s``, ``2h05m``, ``3d04h``; ``long`` for infinity."""
    if seconds is None:
        return UNKNOWN
    if math.isinf(seconds):
        return "long"
    if seconds < 0.0095:
        return f"{seconds * 1000:.1f}ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24}d{hours % 24:02d}h"
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def printable(text: str) -> str:
    """Without what would move a terminal's cursor, or more: clients choose their paths."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
