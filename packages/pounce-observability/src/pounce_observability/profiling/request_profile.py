"""Where the time of one request went, as a record and as the line that is logged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PHASES", "RequestProfile"]

PHASES: Final = ("read", "parse", "queue", "app", "serialise", "drain")
"""In this order they are told. They do not overlap, and add up to the whole."""

_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]|\\")
_LONGEST: Final = 200
"""Characters of a path that are logged."""


class RequestProfile(NamedTuple):
    """One measured request. Times are in seconds; None where the protocol cannot tell."""

    method: str
    path: str
    """As the client sent it, without its query."""
    status: int
    """The status sent, or 499 when the client left before there was one."""
    protocol: str
    """By its ALPN name: ``"http/1.1"``, ``"h2"``, ``"h3"``."""
    worker_id: int
    read: float | None
    """Waited for the client: for the rest of the head, and in ``receive()`` for the body."""
    parse: float | None
    """From the last bytes of the head to the call of the application."""
    queue: float | None
    """Waited for the worker: ready in the socket and not read yet, or called and not begun."""
    app: float
    """The application's own: from its first step to the end of its response, without the three others."""
    serialise: float
    """Within ``send()``: looked at messages, rendered them, and wrote to the socket what that took at once."""
    drain: float
    """Waited for the client to take what it was sent."""
    aborted: bool = False
    """The response did not become whole."""

    @property
    def total(self) -> float:
        """All of them."""
        return sum(getattr(self, phase) or 0.0 for phase in PHASES)

    def fields(self) -> dict[str, Any]:
        """For a log of JSON: the phases in whole microseconds, ``<phase>_us``, null where they are not known."""
        fields: dict[str, Any] = {
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "protocol": self.protocol,
            "worker_id": self.worker_id,
        }
        for phase in PHASES:
            fields[f"{phase}_us"] = _microseconds(getattr(self, phase))
        fields["total_us"] = _microseconds(self.total)
        fields["aborted"] = self.aborted
        return fields

    def line(self) -> str:
        """For a log of text. No client can end the line, or move a terminal's cursor."""
        told: Mapping[str, Any] = self.fields()
        phases = " ".join(f"{phase} {'-' if (us := told[f'{phase}_us']) is None else us}" for phase in PHASES)
        ending = " (aborted)" if self.aborted else ""
        return (
            f"{_plain(self.method)} {_plain(self.path)} {self.status} {self.protocol} worker {self.worker_id}: "
            f"{phases} total {told['total_us']} us{ending}"
        )


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def _plain(text: str) -> str:
    shown = _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text[:_LONGEST])
    return shown + "..." if len(text) > _LONGEST else shown
