"""What was found: findings, each with what it is, where it comes from and what to do."""

from __future__ import annotations

import contextlib
import logging
import traceback
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pounce.config import all_settings
from pounce.sources import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pounce.sources import Origin

__all__ = ["EXIT_FAILS", "EXIT_FINE", "EXIT_INPUT", "Finding", "Level", "Report"]

Level = Literal["ok", "note", "warning", "error"]
"""``error``: it would not start, or no client would be served. ``warning``: it serves, but not as it is told to or not
for long. ``note``: worth knowing. ``ok``: looked at, and good."""

EXIT_FINE: Final = 0
EXIT_FAILS: Final = 1
EXIT_INPUT: Final = 2
"""What was given is wrong, so that nothing could be looked at: an option, a file of settings."""

_NAMES: Final = frozenset(setting.name for setting in all_settings())


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found."""

    level: Level
    check: str
    """What was looked at, in a word."""
    what: str
    origin: str | None = None
    """Where the setting that it is about was given."""
    do: str | None = None
    """What to do."""
    traceback: str | None = None
    """What the application raised."""


class Report:
    """Gathers findings. Used by one thread."""

    def __init__(self, origins: Mapping[str, Origin] | None = None) -> None:
        """``origins``: where each setting was given, by name."""
        self._origins = origins or {}
        self.findings: list[Finding] = []

    def add(
        self,
        level: Level,
        check: str,
        message: str,
        *,
        setting: str | None = None,
        do: str | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Add one. A message of ours says what to do behind its first semicolon, and mostly begins with the setting
        that it is about; ``setting`` and ``do`` say it of others. ``error`` is what the application raised.
        """
        what, _, advice = message.partition("; ") if level in ("error", "warning") else (message, "", "")
        named = setting or what.partition(":")[0]
        self.findings.append(
            Finding(
                level=level,
                check=check,
                what=what,
                origin=self.origin(named) if named in _NAMES else None,
                do=do or advice or None,
                traceback="".join(traceback.format_exception(error)).rstrip() if error is not None else None,
            )
        )

    def origin(self, setting: str) -> str | None:
        """Where a setting was given; None for what nobody gave."""
        origin = self._origins.get(setting)
        return str(origin) if origin is not None and origin != DEFAULT else None

    @contextlib.contextmanager
    def hearing(self, check: str) -> Iterator[None]:
        """What the server warns of in its log meanwhile is found by this check; nothing of it is printed."""
        log = logging.getLogger("pounce")
        before = log.propagate, log.level
        log.propagate = False
        log.setLevel(logging.INFO)
        handler = _Hears(self, check)
        log.addHandler(handler)
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.propagate = before[0]
            log.setLevel(before[1])

    def exit_code(self, *, strict: bool = False) -> int:
        """0 if it would serve, 1 if not; with ``strict`` warnings count as errors."""
        bad = {"error", "warning"} if strict else {"error"}
        return EXIT_FAILS if any(one.level in bad for one in self.findings) else EXIT_FINE

    def as_json(self) -> list[dict[str, Any]]:
        """The findings in values of JSON."""
        return [asdict(one) for one in self.findings]


class _Hears(logging.Handler):
    """Makes findings of warnings, and a note of a lifespan that the server goes on without."""

    def __init__(self, report: Report, check: str) -> None:
        super().__init__(logging.INFO)
        self._report = report
        self._check = check

    def emit(self, record: logging.LogRecord) -> None:
        """Errors are told by the exception that follows them, so they are no finding of their own."""
        if record.levelno == logging.INFO and record.name == "pounce.lifespan":
            self._report.add("note", self._check, record.getMessage())
        if record.levelno == logging.WARNING:
            message, _, advice = record.getMessage().partition("What helps: ")
            self._report.add("warning", self._check, message.rstrip(" .;"), do=advice or None)
