"""The loggers of a server that owns its process: ``pounce.*`` on stderr, ``pounce.access`` on stdout.

A program that gave one of them handlers keeps its own; only the level is set then.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

from .log_output import LoggerOutput, output_to

if TYPE_CHECKING:
    from .log_output import LogOutput

__all__ = ["access_output", "flush_logs", "set_up_logging"]

ROOT: Final = "pounce"
ACCESS: Final = "pounce.access"


class LevelFormatter(logging.Formatter):
    """``INFO:     message``: the level, its colon, and the message in a column."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line without a traceback."""
        return f"{record.levelname + ':':<9} {record.message}"


class AccessHandler(logging.StreamHandler):  # type: ignore[type-arg] # generic only in typeshed
    """Marks that ``pounce.access`` is as we set it up, so that its lines may be written directly."""


def set_up_logging(level: str) -> None:
    """Give the loggers their level and, where they have none, their handlers."""
    root, access = logging.getLogger(ROOT), logging.getLogger(ACCESS)
    root.setLevel(level.upper())
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(LevelFormatter())
        root.addHandler(handler)
        root.propagate = False
    if not access.handlers:
        access.addHandler(AccessHandler(sys.stdout))
        access.propagate = False


def access_output() -> LogOutput | None:
    """Where access lines go, or None when nobody would see them (the logger is off, or there is no stdout)."""
    logger = logging.getLogger(ACCESS)
    if not logger.isEnabledFor(logging.INFO):
        return None
    if len(logger.handlers) == 1 and isinstance(logger.handlers[0], AccessHandler):
        return output_to(sys.stdout)
    return LoggerOutput(logger)


def flush_logs() -> None:
    """Hand everything that handlers and streams keep to the system."""
    logger: logging.Logger | None = logging.getLogger(ACCESS)
    handlers = list(logging.getLogger().handlers)
    while logger is not None:
        handlers += logger.handlers
        logger = logger.parent
    for one in (*handlers, sys.stdout, sys.stderr):
        try:
            if one is not None:
                one.flush()
        except (OSError, ValueError):  # a closed or broken stream has nothing to save
            continue
