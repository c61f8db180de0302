"""`pounce top`: a live view of a running server, one frame of it, or its figures as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_observability.top.figures import figures_of
from pounce_observability.top.keyboard import Keyboard
from pounce_observability.top.poll import Poller, ask_once

if TYPE_CHECKING:
    from pounce_observability.top.figures import Figures

__all__ = ["top"]

LOOK: Final = 0.1
"""Seconds between two looks at the size of the terminal."""

QUITS: Final = frozenset("qQ\x03\x04")
"""q, and what ends other programs: Ctrl-C where it is no signal, Ctrl-D."""

SHORTEST: Final = 0.2
"""Seconds between two questions at least: a server has more to do."""


def top(target: str | None = None, *, interval: float = 1.0, once: bool = False, as_json: bool = False) -> int:
    """Show what a server is doing until q is pressed; the exit code. ``target`` is as for ``find_server()``.

    ``once`` prints one frame, after two answers that are ``interval`` seconds apart; so it does where the output is no
    terminal. ``as_json`` prints the figures of that frame.
    """
    interval = max(interval, SHORTEST)
    if as_json or once or not sys.stdout.isatty():
        return _print_once(target, interval, as_json=as_json)
    try:
        from pounce_observability.top.view import Screen
    except ImportError:
        return _without_rich()
    poller = Poller(target, interval)
    poller.start()
    try:
        with Keyboard() as keyboard, Screen() as screen:
            _run(poller, keyboard, screen)
    except KeyboardInterrupt:
        pass  # the usual way out
    finally:
        poller.stop()
    return 0


def _run(poller: Poller, keyboard: Keyboard, screen: Any) -> None:
    shown: Any = None
    while True:
        sight = poller.sight
        if shown != (shown := (sight.number, screen.size)):
            screen.show(sight.figures, sight.status)
        if not QUITS.isdisjoint(keyboard.pressed(LOOK)):
            return


def _print_once(target: str | None, interval: float, *, as_json: bool) -> int:
    try:
        before, _ = ask_once(target)
        time.sleep(interval)
        answer, where = ask_once(target)
    except OSError as error:
        sys.stderr.write(f"pounce top: {error.strerror or error}\n")
        return 1
    figures = figures_of(answer, before)
    if as_json:
        sys.stdout.write(json.dumps(_as_json(figures), indent=2) + "\n")
        return 0
    try:
        from pounce_observability.top.view import print_frame
    except ImportError:
        return _without_rich()
    print_frame(figures, where)
    return 0


def _as_json(figures: Figures) -> dict[str, Any]:
    found = dataclasses.asdict(figures)
    # JSON has no infinity.
    return {name: None if isinstance(value, float) and math.isinf(value) else value for name, value in found.items()}


def _without_rich() -> int:
    sys.stderr.write("pounce top: it needs rich: pip install 'pounce-observability[rich]'; --json works without\n")
    return 1
