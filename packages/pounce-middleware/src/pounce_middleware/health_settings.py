"""What can be set about questions for the health of a server."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["HealthSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """Where the server answers for its health.

    Raises:
        ValueError: a path is none; the message names the field.
    """

    health_checks: bool = field(
        default=False, metadata={"help": "Answer for the server's health, before anything else is asked."}
    )
    health_check_path: str = field(
        default="/healthz", metadata={"help": "Where it says whether it lives.", "metavar": "PATH"}
    )
    ready_check_path: str = field(
        default="/readyz", metadata={"help": "Where it says whether it is ready for requests.", "metavar": "PATH"}
    )
    health_access_log: bool = field(
        default=False, metadata={"help": "Write these requests to the access log like others."}
    )

    def __post_init__(self) -> None:
        for name in ("health_check_path", "ready_check_path"):
            if not getattr(self, name).startswith("/"):
                raise ValueError(f"{name}: {getattr(self, name)!r} does not begin with a slash")
        if self.health_check_path == self.ready_check_path:
            raise ValueError(f"ready_check_path: {self.ready_check_path!r} is health_check_path, too")
