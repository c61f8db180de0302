"""Options of uvicorn that this version does not have, and those that other servers call by another name.

Asking for one is an error that says so: to take it and do nothing would leave a person with a server that is not what
they think it is.
"""

from __future__ import annotations

from typing import Final

from .extra_settings import extra_of

__all__ = ["unavailable"]

_LATER: Final = ""

_HINTS: Final[dict[str, str]] = {
    "h11-max-incomplete-event-size": "use --limit-request-header-size",
    "no-use-colors": "the variable NO_COLOR=1 switches colours off",
    "reset-contextvars": _LATER,
    "ssl-version": "use --ssl-min-version",
    "timeout-worker-healthcheck": "use --worker-stall-timeout",
    "use-colors": "the extra rich brings colours to a terminal",
}

_ELSEWHERE: Final[dict[str, str]] = {
    "-b": "use --bind",
    "-k": "use --worker-kind, or nothing: what the application is is found out",
    "-w": "use --workers",
    "access-log-fmt": "use --access-log-format",
    "access-logfile": "use --access-log-file",
    "access-logformat": "use --access-log-format",
    "backpressure": "use --limit-concurrency, which is for the whole server",
    "blocking-threads": "use --sync-threads",
    "chdir": "use --app-dir",
    "disable-redirect-access-to-syslog": "use --log-config with a SysLogHandler",
    "error-logfile": "use --log-file",
    "keep-alive": "use --timeout-keep-alive",
    "log-config-dict": "use --log-config with a file",
    "log-config-json": "use --log-config",
    "log-syslog": "use --log-config with a SysLogHandler",
    "log-syslog-facility": "use --log-config with a SysLogHandler",
    "log-syslog-prefix": "use --log-config with a SysLogHandler",
    "log-syslog-to": "use --log-config with a SysLogHandler",
    "max-requests": "use --limit-max-requests",
    "max-requests-jitter": "use --limit-max-requests-jitter",
    "preload": "worker threads share one import; worker processes import the application for themselves",
    "respawn-failed-workers": "a worker that dies is always replaced, so leave the option out",
    "runtime-mode": "a worker has one event loop, so leave the option out",
    "runtime-threads": "a worker has one event loop, so leave the option out",
    "statsd-host": "use --metrics, for Prometheus",
    "threads": "use --sync-threads",
    "timeout": "use --worker-stall-timeout",
    "worker-class": "use --worker-kind, or nothing: what the application is is found out",
    "worker-connections": "use --limit-concurrency, which is for the whole server",
    "workers-kill-timeout": "use --graceful-timeout",
    "working-dir": "use --app-dir",
}
"""What gunicorn, hypercorn and granian have, and what is nearest to it here."""


def unavailable(name: str) -> str | None:
    """Why a flag or key cannot be had, or None when the name is not in the table."""
    bare = name.removeprefix("--").replace("_", "-")
    hint = _HINTS.get(bare, _ELSEWHERE.get(bare))
    if hint is None:
        needs = extra_of(bare.removeprefix("no-"))
        return f"{name} is not available here{needs}" if needs else None
    if bare in _ELSEWHERE:
        return f"{name} is not an option of this server; {hint}"
    return f"{name} is not available in this version" + (f"; {hint}" if hint else "")
