"""Messages as text: ``INFO:     message``."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["TextFormatter"]

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""All but the line ends and tabs that tracebacks have themselves."""
_LIKE_A_LINE: Final = re.compile(r"^(?=(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):)", re.MULTILINE)


class TextFormatter(logging.Formatter):
    """The level, its colon, and the message in a column."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line without a traceback."""
        return f"{record.levelname + ':':<9} {record.message}"

    def formatException(  # noqa: N802 - as above
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        r"""The traceback. What an exception says is often what a client has sent: it drives no terminal (``\x1b``), and
        begins no line that looks like one of the log.
        """
        text = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().formatException(ei))
        return _LIKE_A_LINE.sub("  ", text)
