"""Options of uvicorn that this version does not have, and those that other servers call by another name.

Asking for one is an error that says so: to take it and do nothing would leave a person with a server that is not what
they think it is.
"""

from __future__ import annotations

from typing import Final

from .extra_settings import extra_of
from .other_servers import ELSEWHERE

__all__ = ["FOREIGN_NAMES", "unavailable"]

_LATER: Final = ""

_HINTS: Final[dict[str, str]] = {
    "h11-max-incomplete-event-size": "use --limit-request-header-size",
    "no-use-colors": "the variable NO_COLOR=1 switches colours off",
    "reset-contextvars": _LATER,
    "ssl-version": "use --ssl-min-version",
    "timeout-worker-healthcheck": "use --worker-stall-timeout",
    "use-colors": "the extra rich brings colours to a terminal",
}

FOREIGN_NAMES: Final = (*_HINTS, *ELSEWHERE)
"""The names that have an explanation, without the dashes in front."""


def unavailable(name: str) -> str | None:
    """Why a flag or key cannot be had, or None when the name is not in the table."""
    bare = name.removeprefix("--").replace("_", "-")
    hint = _HINTS.get(bare, ELSEWHERE.get(bare))
    if hint is None:
        needs = extra_of(bare.removeprefix("no-"))
        return f"{name} is not available here{needs}" if needs else None
    if bare in ELSEWHERE:
        return f"{name} is not an option of this server; {hint}"
    return f"{name} is not available in this version" + (f"; {hint}" if hint else "")
