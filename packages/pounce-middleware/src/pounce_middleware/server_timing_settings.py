"""What can be set about telling where time has gone."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ServerTimingSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTimingSettings:
    """Whether responses tell where their time has gone."""

    server_timing: bool = field(
        default=False,
        metadata={
            "help": "Add a Server-Timing field to responses: queue, app, first byte, total, and what the application"
            " adds. It tells everybody, so it is for development and for servers that only colleagues reach."
        },
    )
