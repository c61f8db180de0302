"""Asking a server again and again, whether it is there or not."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pounce_observability.introspection.client import IntrospectionClient, find_server
from pounce_observability.top.figures import Figures, figures_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Poller", "Sight", "ask_once"]

TIMEOUT: Final = 5.0
"""Seconds for one answer."""


class Sight(NamedTuple):
    """What was seen last."""

    figures: Figures | None
    """None before the first answer."""
    status: str
    """Where it comes from, or why nothing comes."""
    number: int
    """Another for each."""


def ask_once(target: str | None) -> tuple[dict[str, Any], str]:
    """One answer, and where it came from.

    Raises:
        OSError: there is no server, or it does not answer like one.
    """
    address = find_server(target)
    status, body = IntrospectionClient(address).request("GET", "/_pounce/top", TIMEOUT)
    if status != 200:
        raise ConnectionError(f"{address} answers {status}: {body[:200].decode('utf-8', 'replace').strip()}")
    try:
        answer: dict[str, Any] = json.loads(body)
        figures_of(answer)
    except (ValueError, KeyError, TypeError) as error:
        raise ConnectionError(f"{address} answers with something else: {error!r}") from error
    return answer, str(address)


class Poller:
    """Asks in a thread of its own, so that keys are heard meanwhile. ``sight`` is replaced as a whole; any thread may
    read it.
    """

    def __init__(
        self,
        target: str | None,
        interval: float,
        ask: Callable[[str | None], tuple[dict[str, Any], str]] = ask_once,
    ) -> None:
        """``interval`` is in seconds."""
        self.sight = Sight(None, f"looking for {target or 'a server'}", 0)
        self._target = target
        self._interval = interval
        self._ask = ask
        self._stop = threading.Event()
        self._before: dict[str, Any] | None = None
        self._thread = threading.Thread(target=self._run, name="pounce-top", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more. An answer that is waited for is not."""
        self._stop.set()

    def turn(self) -> None:
        """Ask once."""
        number = self.sight.number + 1
        try:
            answer, where = self._ask(self._target)
        except OSError as error:
            self._before = None  # whoever comes next counts from the beginning
            why = error.strerror or str(error) or type(error).__name__
            self.sight = Sight(self.sight.figures, f"waiting for {self._target or 'a server'}: {why}", number)
            return
        self.sight = Sight(figures_of(answer, self._before), f"q quits  {where}", number)
        self._before = answer

    def _run(self) -> None:
        while not self._stop.is_set():
            self.turn()
            self._stop.wait(self._interval)
