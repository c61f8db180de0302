"""What is logged of requests that did not go as the application meant them to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pounce_asgi.hints import hint_for
from pounce_asgi.naming import request_name

if TYPE_CHECKING:
    from pounce_asgi.contracts import RequestHead

__all__ = ["log_cancelled", "log_failed", "log_failed_late"]

logger = logging.getLogger("pounce.error")


def log_failed(head: RequestHead, error: BaseException, request_id: str | None = None) -> None:
    """The application raised: its traceback, and what helps where that is known. ``request_id`` is for forms of a
    message that have a place for it.
    """
    hint = hint_for(error)
    name = request_name(head.method, head.raw_path)
    extra = {"request_id": request_id} if request_id is not None else None
    logger.error("Exception in the application: %s%s", name, f" - {hint}" if hint else "", exc_info=error, extra=extra)


def log_failed_late(head: RequestHead, error: BaseException) -> None:
    """It raised after its client had left: most likely about that. Not an error, and not hidden either."""
    name = request_name(head.method, head.raw_path)
    logger.warning("%s in the application after its client had left: %s", type(error).__name__, name)


def log_cancelled(head: RequestHead) -> None:
    """It was cancelled, by a stop or by itself, and its client has no answer."""
    logger.warning("Cancelled before it had answered: %s", request_name(head.method, head.raw_path))
