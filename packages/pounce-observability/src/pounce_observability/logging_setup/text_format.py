"""Messages as text: ``INFO:     message``."""

from __future__ import annotations

import logging

__all__ = ["TextFormatter"]


class TextFormatter(logging.Formatter):
    """The level, its colon, and the message in a column."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line without a traceback."""
        return f"{record.levelname + ':':<9} {record.message}"
