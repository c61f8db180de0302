"""What can be set about the access log. The server derives flags, variables and documentation from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["FORMAT_NAMES", "AccessLogSettings"]

FORMAT_NAMES: Final = ("text", "common", "combined", "json")
"""Formats with a name; any other is a string of atoms."""

_STATUS: Final = r"[1-5](?:[0-9]{2}|xx)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogSettings:
    """Which requests are logged, how, and where to.

    Raises:
        ValueError: a value is not allowed; the message names the field.
    """

    access_log: bool = field(default=True, metadata={"help": "One line for each request."})
    access_log_format: str = field(
        default="text",
        metadata={
            "help": "How a line looks: text, common, combined, json, or a format of gunicorn's atoms such as"
            " '%(h)s \"%(r)s\" %(s)s %(D)s'.",
            "metavar": "FORMAT",
        },
    )
    access_log_file: str | None = field(
        default=None,
        metadata={
            "help": "File to which lines are appended; - or none is the standard output. SIGUSR1 opens it anew.",
            "metavar": "FILE",
        },
    )
    access_log_exclude: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Path whose requests are not logged; with * at its end all that begin so. May be repeated.",
            "metavar": "PATH",
        },
    )
    access_log_exclude_status: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Status that is not logged, such as 304 or 2xx. May be repeated.", "metavar": "STATUS"},
    )
    access_log_sample: float = field(
        default=1.0,
        metadata={
            "help": "Share of the requests that is logged, from 0 to 1. Those with status 5xx and those cut off always"
            " are.",
            "minimum": 0,
            "maximum": 1,
        },
    )

    def __post_init__(self) -> None:
        if self.access_log_format not in FORMAT_NAMES:
            from .atoms import parsed  # only for who uses atoms

            try:
                parsed(self.access_log_format)
            except ValueError as error:
                raise ValueError(f"access_log_format: {error}") from None
        if self.access_log_file == "":
            raise ValueError("access_log_file: '' is no file; - is the standard output")
        for path in self.access_log_exclude:
            if not path.startswith("/"):
                raise ValueError(f"access_log_exclude: {path!r} does not begin with a slash")
        for status in self.access_log_exclude_status:
            if not re.fullmatch(_STATUS, status):
                raise ValueError(f"access_log_exclude_status: {status!r} is neither a status such as 304 nor 2xx")
        if not 0 <= self.access_log_sample <= 1:
            raise ValueError(f"access_log_sample: {self.access_log_sample!r} is not within 0 and 1")
