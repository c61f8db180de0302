"""A logger for libraries that log every packet: what we have to say of a connection, we say ourselves."""

from __future__ import annotations

import logging

__all__ = ["SILENT"]


class _Silent(logging.LoggerAdapter[logging.Logger]):
    """Does nothing, faster than a level that is off."""

    def log(self, *_: object, **__: object) -> None:
        pass

    debug = info = warning = error = critical = exception = log

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802, ARG002 - the name and parameters are logging's
        return False


SILENT = _Silent(logging.getLogger("pounce.quic"), {})
