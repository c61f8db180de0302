"""What can be set about the longest time for a response."""

from __future__ import annotations

from dataclasses import dataclass, field

from pounce_middleware.path_set import PathSet

__all__ = ["RequestTimeoutSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTimeoutSettings:
    """How long an application may take.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    request_timeout: float | None = field(
        default=None,
        metadata={"help": "Longest time for a response; then the application is cancelled: 504, or cut off."}
        | {"unit": "seconds", "minimum": 0.001},
    )
    request_timeout_exempt_path: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Path without that limit, such as one of events; /a/* for all below one. May be repeated."}
        | {"metavar": "PATH"},
    )

    def __post_init__(self) -> None:
        if self.request_timeout is not None and not self.request_timeout > 0:
            raise ValueError(f"request_timeout: {self.request_timeout!r} is not above 0 seconds")
        try:
            PathSet(self.request_timeout_exempt_path)
        except ValueError as error:
            raise ValueError(f"request_timeout_exempt_path: {error}") from None
