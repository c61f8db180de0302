"""SIGINT and SIGTERM while a server runs.

The first asks for a graceful stop, the second for one at once. A third is for a loop that is blocked and cannot hear
the others: the process ends on the spot.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Final

from .logging_setup import flush_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["handled_signals"]

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_log = logging.getLogger("pounce.server")


@contextlib.contextmanager
def handled_signals(on_stop: Callable[[], None]) -> Iterator[None]:
    """Call ``on_stop`` for the first two signals, in the main thread. In another thread it does nothing, because only
    the main one may set handlers. The handlers that were set before come back at the end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = 0

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is the system's
        nonlocal received
        received += 1
        if received > 2:
            _log.critical("stopped by a third signal, without finishing")
            flush_logs()
            os._exit(1)
        on_stop()

    before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
