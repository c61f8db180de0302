"""Options of uvicorn that this version does not have.

Asking for one is an error that says so: to take it and do nothing would leave a person with a server that is not what
they think it is.
"""

from __future__ import annotations

from typing import Final

__all__ = ["unavailable"]

_LATER: Final = ""
_OFF_ALREADY: Final = "it is off as it is, so leave the option out"

_HINTS: Final[dict[str, str]] = {
    "forwarded-allow-ips": _LATER,
    "h11-max-incomplete-event-size": "use --limit-request-header-size",
    "log-config": _LATER,
    "no-proxy-headers": _OFF_ALREADY,
    "no-use-colors": _OFF_ALREADY,
    "proxy-headers": _LATER,
    "reset-contextvars": _LATER,
    "ssl-ca-certs": _LATER,
    "ssl-cert-reqs": _LATER,
    "ssl-certfile": _LATER,
    "ssl-ciphers": _LATER,
    "ssl-keyfile": _LATER,
    "ssl-keyfile-password": _LATER,
    "ssl-version": _LATER,
    "timeout-worker-healthcheck": _LATER,
    "use-colors": _LATER,
    "ws": _LATER,
    "ws-max-queue": _LATER,
    "ws-max-size": _LATER,
    "ws-per-message-deflate": _LATER,
    "ws-ping-interval": _LATER,
    "ws-ping-timeout": _LATER,
}


def unavailable(name: str) -> str | None:
    """Why a flag or key cannot be had, or None when the name is not in the table."""
    bare = name.removeprefix("--").replace("_", "-")
    if bare not in _HINTS:
        return None
    hint = _HINTS[bare]
    return f"{name} is not available in this version" + (f"; {hint}" if hint else "")
