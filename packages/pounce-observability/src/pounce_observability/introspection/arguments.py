"""What a request for introspection may ask for, in its query string."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

__all__ = ["MOST_LISTED", "SLOWEST", "arguments_of"]

MOST_LISTED: Final = 10_000
SLOWEST: Final = 30.0

_SWITCHES: Final = {"1": True, "true": True, "on": True, "": True, "0": False, "false": False, "off": False}


def arguments_of(query: bytes) -> dict[str, Any]:
    """The arguments of a question: ``limit``, ``timeout``, ``stacks``, ``others``, ``query``, ``headers``.

    Raises:
        ValueError: one is unknown, or has no such value; the message names it.
    """
    arguments: dict[str, Any] = {}
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=20):
        if name == "limit":
            arguments[name] = int(_number(name, text, 1, MOST_LISTED))
        elif name == "timeout":
            arguments[name] = _number(name, text, 0.01, SLOWEST)
        elif name in ("stacks", "others", "query", "headers"):
            if text.lower() not in _SWITCHES:
                raise ValueError(f"{name}: {text!r} is neither 1 nor 0")
            arguments[name] = _SWITCHES[text.lower()]
        else:
            raise ValueError(f"{name!r} is not one of limit, timeout, stacks, others, query, headers")
    return arguments


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a number") from None
    if not least <= value <= most:
        raise ValueError(f"{name}: {text!r} is not within {least:g} and {most:g}")
    return value
