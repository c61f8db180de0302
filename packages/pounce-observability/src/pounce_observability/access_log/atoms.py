"""Formats of gunicorn's atoms: ``%(h)s``, ``%({user-agent}i)s``."""

from __future__ import annotations

__all__ = ["parsed"]


def parsed(text: str) -> None:
    """Read a format.

    Raises:
        ValueError: it is none; the message says what is wrong.
    """
    if "%" not in text:
        raise ValueError(f"{text!r} is neither text, common, combined, json nor a format with atoms such as %(h)s")
