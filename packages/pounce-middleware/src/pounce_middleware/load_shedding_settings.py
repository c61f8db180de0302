"""What can be set about requests that wait for the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pounce_middleware.path_set import PathSet

__all__ = ["LoadSheddingSettings"]

ADAPTIVE_LARGEST: Final = 1000
"""Where an adaptive limit ends that was given no other end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSheddingSettings:
    """How many requests may be in the application, and how many may wait.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    request_queue_limit: int | None = field(
        default=None,
        metadata={"help": "Requests in the application at once; the others wait. Adaptive limits end there."}
        | {"unit": "requests", "minimum": 1},
    )
    request_queue_adaptive: bool = field(
        default=False,
        metadata={"help": "Find the limit by itself, from how long requests take."},
    )
    request_queue_size: int = field(
        default=100,
        metadata={"help": "Requests that may wait; beyond it 503 at once.", "unit": "requests", "minimum": 0},
    )
    request_queue_timeout: float = field(
        default=5.0,
        metadata={"help": "Longest time that a request waits; then 503.", "unit": "seconds", "minimum": 0.001},
    )
    request_queue_retry_after: int = field(
        default=1,
        metadata={"help": "When the client of a 503 may come again (Retry-After).", "unit": "seconds", "minimum": 1},
    )
    request_queue_exempt_path: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Path that neither waits nor counts; /a/* for all below one. May be repeated."}
        | {"metavar": "PATH"},
    )

    def __post_init__(self) -> None:
        if self.request_queue_limit is not None and self.request_queue_limit < 1:
            raise ValueError(f"request_queue_limit: {self.request_queue_limit!r} is below 1")
        if self.request_queue_size < 0:
            raise ValueError(f"request_queue_size: {self.request_queue_size!r} is below 0")
        if not self.request_queue_timeout > 0:
            raise ValueError(f"request_queue_timeout: {self.request_queue_timeout!r} is not above 0 seconds")
        if self.request_queue_retry_after < 1:
            raise ValueError(f"request_queue_retry_after: {self.request_queue_retry_after!r} is below 1")
        try:
            PathSet(self.request_queue_exempt_path)
        except ValueError as error:
            raise ValueError(f"request_queue_exempt_path: {error}") from None
