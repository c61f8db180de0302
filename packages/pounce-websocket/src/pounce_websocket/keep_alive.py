"""Pings to a client that may have vanished without a word (RFC 6455, 5.5.2)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_asgi import WebSocketSettings

__all__ = ["NEVER", "KeepAlive", "Sign"]

NEVER: Final = float("inf")


class Sign(enum.Enum):
    """What is to be done about a client."""

    NOTHING = "nothing"
    PING = "ping"
    VANISHED = "vanished"


class KeepAlive:
    """When to ping one client, and when to give it up. It knows no clock: ``soon`` is given."""

    __slots__ = ("_asked", "_interval", "_timeout", "deadline", "heard")

    def __init__(self, settings: WebSocketSettings, soon: float) -> None:
        self._interval = settings.ws_ping_interval
        self._timeout = settings.ws_ping_timeout
        self._asked = False
        """A ping is out, and its time has not passed."""
        self.heard = False
        """Anything came since the ping. An answer that is stuck behind a large message is no silence."""
        self.deadline = NEVER if self._interval is None else soon + self._interval
        """When to look again, on the clock of ``soon``."""

    def look(self, soon: float, *, listening: bool) -> Sign:
        """The deadline has passed.

        ``listening``: what the client sends is read; while it is not, no answer can be heard.
        """
        if self._interval is None:
            self.deadline = NEVER
            return Sign.NOTHING
        if not self._asked:
            self.heard = False
            self._asked = self._timeout is not None
            self.deadline = soon + (self._interval if self._timeout is None else self._timeout)
            return Sign.PING
        timeout = self._timeout or 0.0
        if self.heard:
            self._asked = False
            self.deadline = soon + max(0.0, self._interval - timeout)
            return Sign.NOTHING
        if not listening:
            self.deadline = soon + timeout
            return Sign.NOTHING
        self.deadline = NEVER
        return Sign.VANISHED
