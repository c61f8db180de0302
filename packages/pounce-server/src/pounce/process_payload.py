"""What a worker process is given by its parent, which imports nothing of what the worker will do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .config import ServerConfig
    from .http3_payload import Http3Payload

__all__ = ["ENTRY", "ProcessPayload"]

ENTRY: Final = "pounce.process_entry:main"
"""What the process calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPayload:
    """What a worker process is told; pickled."""

    config: ServerConfig
    workers: int
    """How many processes there are, among which limits are split."""
    sets_up_logging: bool
    """The parent owns its process, so its children write logs as it does."""
    cpus: tuple[int, ...] = ()
    http3: Http3Payload | None = None
    places: tuple[tuple[int, ...], ...] = ()
    """For each worker the indices of the sockets on which it accepts; empty where all accept on all."""
