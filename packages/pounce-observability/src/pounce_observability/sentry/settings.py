"""What can be set about Sentry. Everything else is set by a program that calls ``sentry_sdk.init`` itself."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SentrySettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentrySettings:
    """Where failures of the application are reported to.

    Raises:
        ValueError: a value is out of its range; the message names the field, and never shows the DSN.
    """

    sentry_dsn: str | None = field(
        default=None,
        metadata={
            "help": "Report failures of the application to this project of Sentry. SENTRY_DSN alone does not switch it"
            " on.",
            "group": "Sentry",
            "metavar": "URL",
            "example": "https://KEY@sentry.example.org/1",
            "secret": True,
        },
    )
    sentry_environment: str | None = field(
        default=None,
        metadata={
            "help": "Where this runs, such as production; without it SENTRY_ENVIRONMENT counts.",
            "group": "Sentry",
        },
    )
    sentry_release: str | None = field(
        default=None,
        metadata={
            "help": "Which release of the application runs; without it SENTRY_RELEASE or the revision in git counts.",
            "group": "Sentry",
        },
    )
    sentry_traces_sample_rate: float | None = field(
        default=None,
        metadata={
            "help": "Share of the requests whose course is sent as a transaction, from 0 to 1; without it none is.",
            "group": "Sentry",
            "minimum": 0,
            "maximum": 1,
        },
    )

    def __post_init__(self) -> None:
        if self.sentry_dsn is not None and not _is_dsn(self.sentry_dsn):
            raise ValueError("sentry_dsn: it is not of the form https://KEY@HOST/PROJECT")
        rate = self.sentry_traces_sample_rate
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError(f"sentry_traces_sample_rate: {rate!r} is not within 0 and 1")


def _is_dsn(text: str) -> bool:
    from urllib.parse import urlsplit  # here, because all settings are read at every start

    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.username)
            and bool(parts.hostname)
            and parts.path.rpartition("/")[2].isdigit()
        )
    except ValueError:
        return False
