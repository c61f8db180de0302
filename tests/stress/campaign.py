"""Many short runs, each with another seed, number of threads and switch interval; and what came of them."""

from __future__ import annotations

import collections
import faulthandler
import random
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.stress import subjects_of_limits, subjects_of_observers, subjects_of_workers
from tests.stress.crowd import MOST_THREADS, Circumstances
from tests.stress.serving import KINDS, drawn_kind, serve_unruly_clients

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SUBJECTS", "Campaign"]

SUBJECTS: Final[dict[str, Callable[[Circumstances], None]]] = {
    subject.__name__: subject
    for module in (subjects_of_workers, subjects_of_limits, subjects_of_observers)
    for subject in module.SUBJECTS
}

STUCK: Final = 180.0
"""Seconds after which a run shows the stacks of all threads and the process ends."""

SERVERS: Final = 0.3
"""The share of runs that are whole servers."""


@dataclass(slots=True)
class Campaign:
    """Runs until its time is over. What fails is kept with the seed that does it again."""

    seed: int
    flags: Sequence[str] = ("-X", "faulthandler")
    """For the interpreter of servers."""
    watch: bool = False
    """Servers tell which attributes several threads write (`tests.stress.writers`)."""
    only: str = ""
    seconds: tuple[float, float] = (1.0, 3.0)
    most_threads: int = MOST_THREADS
    finds: list[str] = field(default_factory=list)
    runs: collections.Counter[str] = field(default_factory=collections.Counter)
    threads: collections.Counter[int] = field(default_factory=collections.Counter)
    shared: set[tuple[str, str]] = field(default_factory=set)
    raced: set[tuple[str, str]] = field(default_factory=set)
    answered: int = 0

    def run(self, seconds: float, say: Callable[[str], Any]) -> None:
        """As many runs as there is time for."""
        until = time.monotonic() + seconds
        number = 0
        while time.monotonic() < until:
            seed = self.seed * 1_000_000 + number
            name = self._drawn(seed)
            failed = self.run_one(name, seed)
            say(f"{number:5} {name:28} seed {seed}{' FAILED: ' + self.finds[-1] if failed else ''}")
            number += 1

    def _drawn(self, seed: int) -> str:
        if self.only:
            return self.only
        dice = random.Random(seed)
        return f"server:{drawn_kind(seed)[0]}" if dice.random() < SERVERS else dice.choice(sorted(SUBJECTS))

    def run_one(self, name: str, seed: int) -> bool:
        """The run of this name under this seed; whether it failed."""
        given = Circumstances.drawn(seed, self.seconds, self.most_threads)
        before = sys.getswitchinterval()
        faulthandler.dump_traceback_later(STUCK, exit=True)
        try:
            if name.startswith("server:"):
                self._serve(name.removeprefix("server:"), given)
            else:
                sys.setswitchinterval(given.interval)
                SUBJECTS[name](given)
        except Exception:  # noqa: BLE001 - whatever it is, it is a find
            self.finds.append(f"{name}, {given}\n{traceback.format_exc()}")
            return True
        finally:
            faulthandler.cancel_dump_traceback_later()
            sys.setswitchinterval(before)
            self.runs[name] += 1
            self.threads[given.threads] += 1
        return False

    def _serve(self, kind: str, given: Circumstances) -> None:
        reloads = drawn_kind(given.seed)[1]
        with tempfile.TemporaryDirectory(prefix="stress-") as folder:
            served = serve_unruly_clients(
                Path(folder), KINDS[kind], given, reloads=reloads, flags=self.flags, watch=self.watch
            )
        self.answered += served.answered
        self.shared.update(served.shared)
        self.raced.update(served.raced)

    def report(self, say: Callable[[str], Any]) -> None:
        """What was run, and what was found."""
        gil = getattr(sys, "_is_gil_enabled", lambda: True)()
        runs = sum(self.runs.values())
        say(f"{sys.version.split()[0]}, GIL {'on' if gil else 'off'}: {runs} runs, {len(self.finds)} finds")
        say("threads: " + ", ".join(f"{count}: {runs}" for count, runs in sorted(self.threads.items())))
        say(f"answers of servers: {self.answered}")
        for name, runs in sorted(self.runs.items()):
            say(f"{runs:5} {name}")
        for owner, name in sorted(self.shared):
            raced = ", and at the same time" if (owner, name) in self.raced else ""
            say(f"written by several threads without a lock{raced}: {owner}.{name}")
        for find in self.finds:
            say(find.partition("\n")[0])
