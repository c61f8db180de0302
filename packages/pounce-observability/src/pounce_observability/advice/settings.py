"""What can be set about warnings. The server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AdviceSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceSettings:
    """What is worth a warning.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    slow_callback: float = field(
        default=0.1,
        metadata={
            "help": "A call that holds an event loop for longer is named with its stack; 0 names none.",
            "unit": "seconds",
            "minimum": 0,
        },
    )
    task_leak: int = field(
        default=100,
        metadata={
            "help": "Tasks by which those that belong to no request must have grown, steadily, to be warned of; 0 does"
            " not look.",
            "unit": "tasks",
            "minimum": 0,
        },
    )
    limit_warnings: bool = field(
        default=True,
        metadata={"help": "Warn of clients that time out and of limits that were hit, once a minute each."},
    )

    def __post_init__(self) -> None:
        if not 0 <= self.slow_callback < float("inf"):
            raise ValueError(f"slow_callback: {self.slow_callback!r} is not a number of seconds from 0 on")
        if self.task_leak < 0:
            raise ValueError(f"task_leak: {self.task_leak!r} is below 0 tasks")
