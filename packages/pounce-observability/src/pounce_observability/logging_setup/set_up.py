"""The loggers of a server that owns its process: ``pounce.*`` on stderr, ``pounce.access`` on stdout.

A program that gave one of them handlers keeps its own; only the level is set then.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError

from .access_logger import ACCESS, ROOT, AccessHandler
from .config_file import apply_config_file
from .json_format import JsonFormatter
from .text_format import TextFormatter

if TYPE_CHECKING:
    from typing import TextIO

    from .settings import LoggingSettings

__all__ = ["set_up_logging"]

_NAMED: Final = 4
"""Loggers that are named in a warning."""

_log = logging.getLogger("pounce.server")


def set_up_logging(settings: LoggingSettings) -> None:
    """Give the loggers their level and, where they have none, their handlers.

    With a ``log_config`` that decides: a logger that it gives handlers, or whose messages reach those of the root
    logger, gets no others, and ``log_level`` holds only where it sets none.

    Raises:
        ConfigError: the ``log_config`` is wrong, or a file cannot be opened; the message says which and where.
    """
    root, access = logging.getLogger(ROOT), logging.getLogger(ACCESS)
    by_file = settings.log_config is not None
    hint = apply_config_file(settings.log_config) if settings.log_config is not None else None
    if not by_file or root.level == logging.NOTSET:
        root.setLevel(settings.log_level.upper())
    # Asked before ours are there: lines of requests are not to go to stderr because messages do.
    heard = [logger.hasHandlers() if by_file else bool(logger.handlers) for logger in (root, access)]
    if not heard[0]:
        root.addHandler(_handler(settings))
        root.propagate = False
    if not heard[1]:
        access.addHandler(AccessHandler(sys.stdout))
        access.propagate = False
    if hint is not None:
        _log.warning("%s", hint)
    if by_file:
        _warn_of_silence(settings.log_config)


def _warn_of_silence(path: str | None) -> None:
    """Files that were made for other programs often switch off all loggers that they do not name. The loggers cannot
    say so then; what is said goes to stderr, once, by the main process.
    """
    found = list(logging.root.manager.loggerDict.items())
    off = sorted(
        name
        for name, logger in found
        if (name == ROOT or name.startswith(f"{ROOT}.")) and isinstance(logger, logging.Logger) and logger.disabled
    )
    if not off or sys.stderr is None:
        return
    import multiprocessing  # a server has done it; other programs need not

    if multiprocessing.parent_process() is None:
        more = f" and {len(off) - _NAMED} more" if len(off) > _NAMED else ""
        sys.stderr.write(
            f"WARNING:  log_config: {path} switches off {', '.join(off[:_NAMED])}{more}: its disable_existing_loggers"
            f" is true. Make it false, leave it out, or name {ROOT} and {ACCESS} among its loggers\n"
        )


def _handler(settings: LoggingSettings) -> logging.Handler:
    handler: logging.Handler
    if settings.log_file is not None:
        try:
            handler = logging.FileHandler(settings.log_file, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise ConfigError(f"log_file: {settings.log_file} cannot be opened: {error.strerror or error}") from error
        handler.setFormatter(_formatter(settings.log_format, None))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_formatter(settings.log_format, sys.stderr))
    return handler


def _formatter(name: str, stream: TextIO | None) -> logging.Formatter:
    """What the format is; ``stream`` may be a terminal. None is a file, or no stream at all."""
    terminal = stream is not None and stream.isatty()
    if name == "json" or (name == "auto" and not terminal):
        return JsonFormatter()
    return _coloured(stream) if stream is not None and terminal else TextFormatter()


def _coloured(stream: TextIO) -> logging.Formatter:
    try:
        from .terminal_format import TerminalFormatter, shows_colours
    except ImportError:  # rich is an extra
        return TextFormatter()
    return TerminalFormatter() if shows_colours(stream) else TextFormatter()
