"""What can be set about applications whose client has left."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ClientGoneSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientGoneSettings:
    """What becomes of an application whose client has left."""

    cancel_on_disconnect: bool = field(
        default=False, metadata={"help": "Cancel the application when the client of its HTTP request leaves."}
    )
