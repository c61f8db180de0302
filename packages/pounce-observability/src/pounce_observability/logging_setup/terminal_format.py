"""Messages as text with colours, by rich. The only file that imports it for logging."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.style import Style

from .text_format import TextFormatter

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["TerminalFormatter", "shows_colours"]

STYLES: Final = {
    logging.DEBUG: Style(dim=True),
    logging.INFO: Style(color="green"),
    logging.WARNING: Style(color="yellow", bold=True),
    logging.ERROR: Style(color="red", bold=True),
    logging.CRITICAL: Style(color="white", bgcolor="red", bold=True),
}


def shows_colours(stream: TextIO) -> bool:
    """Whether the terminal shows them and whoever sits there wants them (NO_COLOR, TERM=dumb)."""
    console = Console(file=stream)
    # The older console of Windows does not understand the codes by which colours are written.
    return console.is_terminal and not console.no_color and bool(console.color_system) and not console.legacy_windows


class TerminalFormatter(TextFormatter):
    """The level in its colour; everything else as it is, so that it can be searched and copied."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line without a traceback."""
        plain = super().formatMessage(record)
        style = STYLES.get(record.levelno)
        if style is None:
            return plain
        level = record.levelname + ":"
        return style.render(level) + plain[len(level) :]
