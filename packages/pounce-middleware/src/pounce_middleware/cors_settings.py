"""What can be set about pages of other sites."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CorsSettings"]

# RFC 6454, 7.1: scheme "://" host [ ":" port ]
_ORIGIN: Final = r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?"
# RFC 9110, 5.6.2: token = 1*tchar
_TOKEN: Final = frozenset(string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsSettings:
    """Which pages of other sites may read responses.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    cors_origins: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Origins whose pages may read responses, such as https://app.example.com; * for all, which excludes"
            " --cors-credentials. Without it CORS is left to the application."
        },
    )
    cors_methods: tuple[str, ...] = field(
        default=("GET", "HEAD", "POST"), metadata={"help": "Methods that such pages may use."}
    )
    cors_headers: tuple[str, ...] = field(
        default=(), metadata={"help": "Request fields that such pages may set; * for all."}
    )
    cors_expose: tuple[str, ...] = field(default=(), metadata={"help": "Response fields that such pages may read."})
    cors_credentials: bool = field(default=False, metadata={"help": "Let such pages send cookies."})
    cors_max_age: int = field(
        default=600,
        metadata={"help": "How long a browser may remember what is allowed.", "unit": "seconds", "minimum": 0},
    )

    def __post_init__(self) -> None:
        for origin in self.cors_origins:
            if origin not in ("*", "null") and not re.fullmatch(_ORIGIN, origin):
                raise ValueError(f"cors_origins: {origin!r} is not an origin such as https://app.example.com, or *")
        for name in ("cors_methods", "cors_headers", "cors_expose"):
            for value in getattr(self, name):
                if not value or not _TOKEN.issuperset(value):
                    raise ValueError(f"{name}: {value!r} is not a name")
        # Starlette would answer every origin by its name, which gives each site what only signed-in users may see.
        if self.cors_credentials and "*" in self.cors_origins:
            raise ValueError("cors_credentials: with * in cors_origins any site could act for those who are signed in")
        if self.cors_max_age < 0:
            raise ValueError(f"cors_max_age: {self.cors_max_age!r} is below 0 seconds")
