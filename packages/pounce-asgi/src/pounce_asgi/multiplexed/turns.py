"""One flush for each turn of the loop, however much was written in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pounce_asgi.fairness import call_behind

if TYPE_CHECKING:
    from pounce_asgi.wire_host import WireHost

__all__ = ["Turns"]


class Turns(ABC):
    """The part of a connection that knows when to send. Hot path."""

    host: WireHost
    ended: bool

    def __init__(self) -> None:
        self._busy = False
        """Within a call from outside, which ends in a flush."""
        self._flush_soon = False

    @abstractmethod
    def _flush(self) -> None:
        """Send what was gathered, and as much of what waits as may be sent."""

    def want_flush(self) -> None:
        """Something is to be sent before the loop waits again."""
        if not self._busy:
            self._flush_later()

    def flush_now(self) -> None:
        """Something is to be sent for which there may be no later turn: its application may have ended the process."""
        if not self._busy and not self.ended:
            self._turn_now()

    def _flush_later(self) -> None:
        if not self._flush_soon:
            self._flush_soon = True
            self.host.loop.call_soon(self._turn, context=self.host.base_context)

    def _flush_behind(self) -> None:
        """There is more to send than others should wait for."""
        if not self._flush_soon:
            self._flush_soon = True
            call_behind(self.host.loop, self._turn, self.host.base_context)

    def _turn(self) -> None:
        self._flush_soon = False
        if not self.ended:
            self._turn_now()

    def _turn_now(self) -> None:
        self._busy = True
        try:
            self._flush()
        finally:
            self._busy = False
