"""What can be set about pages that show exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ErrorPageSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPageSettings:
    """Whether exceptions are shown."""

    debug: bool = field(
        default=False,
        metadata={
            "help": "Answer exceptions with a page that shows source, variables and the request. For development only:"
            " whoever reaches the server sees it."
        },
    )
