"""The files and streams that handlers of ``logging`` write to, whoever set them up."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["flush_logs", "handlers_in_use", "reopen_log_files"]

_log = logging.getLogger("pounce.server")


def handlers_in_use() -> Iterator[logging.Handler]:
    """Every handler of every logger, and those that they hand records on to; each once."""
    # list() of a dictionary is one step, so another thread may make loggers meanwhile.
    loggers = [logging.getLogger(), *list(logging.Logger.manager.loggerDict.values())]
    waiting = [handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers]
    seen: set[int] = set()
    while waiting:
        handler = waiting.pop()
        if id(handler) in seen:
            continue
        seen.add(id(handler))
        yield handler
        target = getattr(handler, "target", None)  # MemoryHandler
        behind = getattr(getattr(handler, "listener", None), "handlers", ())  # QueueHandler, from Python 3.12
        waiting += [one for one in (target, *behind) if isinstance(one, logging.Handler)]


def reopen_log_files() -> int:
    """Have every ``logging.FileHandler`` open its file anew, and say how many did.

    For after a rotation that moved the files: what is logged from now on is in new ones. Not from within a signal
    handler, which may have interrupted whoever holds the lock of a handler.
    """
    files = [handler for handler in handlers_in_use() if isinstance(handler, logging.FileHandler)]
    return sum(_reopened(handler) for handler in files)


def _reopened(handler: logging.FileHandler) -> bool:
    handler.acquire()
    try:
        old = handler.stream
        if old is None:  # it opens its file with the first record (delay)
            return False
        if handler.mode.startswith(("w", "x")):
            handler.mode = "a" + handler.mode[1:]  # what is there by now is a log, not to be cut off
        handler.stream = handler._open()
    except OSError as error:
        failure: OSError | None = error
    else:
        failure = None
        old.close()
    finally:
        handler.release()
    if failure is not None:
        _log.error("%s cannot be opened anew, so the old file stays in use: %s", handler.baseFilename, failure)
    return failure is None


def flush_logs() -> None:
    """Hand everything that handlers and streams keep to the system."""
    for one in (*handlers_in_use(), sys.stdout, sys.stderr):
        try:
            if one is not None:
                one.flush()
        except (OSError, ValueError):  # a closed or broken stream has nothing to save
            continue
