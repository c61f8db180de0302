"""What can be set about the profile of requests. The server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ProfilingSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilingSettings:
    """Whether single requests are measured, and how many of them.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    profile: bool = field(
        default=False,
        metadata={"help": "Log where the time of every so many requests went."},
    )
    profile_interval: int = field(
        default=100,
        metadata={
            "help": "Of so many requests of a worker one is measured, while --profile is on.",
            "unit": "requests",
            "minimum": 1,
        },
    )

    def __post_init__(self) -> None:
        if self.profile_interval < 1:
            raise ValueError(f"profile_interval: {self.profile_interval!r} is less than 1 request")
