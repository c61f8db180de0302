"""What can be set about functions of the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["HookSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """Functions of the user's.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    on_request: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Functions, written module:function, that are called with the head of each request."},
    )
    on_response: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Functions, written module:function, that are called with the head of each response."},
    )

    def __post_init__(self) -> None:
        for name in ("on_request", "on_response"):
            for text in getattr(self, name):
                if not re.fullmatch(r"[\w.]+:[\w.]+", text):
                    raise ValueError(f"{name}: {text!r} is not written module:function")
