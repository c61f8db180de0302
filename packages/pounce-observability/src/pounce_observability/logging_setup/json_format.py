"""Messages as JSON objects, one to a line.

    {"time":"2026-11-21T13:09:33.900123Z","level":"INFO","logger":"pounce.server","message":"Listening","process":7}

``exception`` and ``stack`` are there when the message has one, ``worker`` and ``request_id`` when they are known, and
what a program gave as ``extra`` is there by its name. A line is ASCII, so it is one line and valid in every encoding.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from .log_context import current_request_id, worker_here

__all__ = ["JsonFormatter"]

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has; anything else is an ``extra``."""


class JsonFormatter(logging.Formatter):
    """Usable from a ``--log-config`` as ``pounce_observability.logging_setup.JsonFormatter``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        shown = self.fields(record)
        for name, value in vars(record).items():
            if name not in _OWN and name not in shown:
                shown[name] = value
        try:
            return _dumped(shown)
        except Exception:  # noqa: BLE001 - keys that are no texts, a circle, a __str__ that fails: what a program gives
            own = self.fields(record)
            return _dumped(own | {name: _shown(value) for name, value in shown.items() if name not in own})

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What it says, without the program's own."""
        shown: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)  # kept, as logging's own formatter does
        if record.exc_text:
            shown["exception"] = record.exc_text
        if record.stack_info:
            shown["stack"] = self.formatStack(record.stack_info)
        if record.process is not None:
            shown["process"] = record.process
        worker = worker_here()
        if worker is not None:
            shown["worker"] = worker
        request_id = getattr(record, "request_id", None) or current_request_id.get()
        if request_id is not None:
            shown["request_id"] = request_id
        return shown

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - logging's
        """RFC 3339, in UTC."""
        return f"{datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _dumped(fields: dict[str, Any]) -> str:
    # JSON has neither NaN nor infinity (RFC 8259, 6).
    return json.dumps(fields, separators=(",", ":"), default=str, allow_nan=False).replace("\x7f", "\\u007f")


def _shown(value: object) -> str:
    """A value of a program's that has no place in JSON, or not even a text."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - as above
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
