"""Keys as they are pressed, without waiting for the end of a line, and without showing them."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import Any, Self

__all__ = ["Keyboard"]

_LOOK_AGAIN = 0.05
"""Seconds between two looks at a Windows console."""


class Keyboard:
    """The terminal's keys, while its block runs; without a terminal there are none."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._modes: Any = None

    def __enter__(self) -> Self:
        if self._is_terminal and sys.platform != "win32":
            import termios
            import tty

            self._modes = termios.tcgetattr(sys.stdin.fileno())
            tty.setcbreak(sys.stdin.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        if self._modes is not None and sys.platform != "win32":
            import termios

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._modes)

    def pressed(self, seconds: float) -> str:
        """What was pressed within so many seconds; empty for nothing."""
        if not self._is_terminal:
            time.sleep(seconds)
            return ""
        if sys.platform == "win32":
            return _pressed_on_windows(seconds)
        ready, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
        return os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace") if ready else ""


def _pressed_on_windows(seconds: float) -> str:
    import msvcrt

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]
            key: str = msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
            return key
        time.sleep(_LOOK_AGAIN)
    return ""
