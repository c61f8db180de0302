"""One attack, measured: calm and attacked in turn, so many rounds, on a server of its own."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.attacks import slowhttptest
from benchmarks.attacks.catalogue import ATTACKS
from benchmarks.attacks.good_client import ENOUGH, GoodClient, Turn
from benchmarks.attacks.target import ROOT, Held, Target, attacked_server
from benchmarks.process_tree import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Figures", "measure"]

WARM_UP: Final = 0.8
"""Seconds that an attack has before anything is measured: its crowd is there by then."""
SETTLE: Final = 3.0
"""Seconds at most that a server has after it, until it holds what it held before."""
BETWEEN: Final = 0.2
NOISE: Final = 2.0
"""So many times the smallest calm p99 may the largest be, else waiting times say nothing."""

MOST: Final = 3.0
"""So many times its calm value may the good client's p99 be."""
MOST_GROWN: Final = 256 << 20
MOST_LEFT: Final = 64 << 20
"""Bytes: what a heap does not give back to the system is used again, and does not count as lost."""
MOST_DESCRIPTORS: Final = 4
"""More than before it, once it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Medians over the rounds of one attack; times in seconds, memory in bytes."""

    name: str
    calm_wall: float
    wall: float
    """p99 of what the good client waited, before and during it."""
    calm_work: float
    work: float
    """p99 of the processor time of the server between a request and its answer."""
    spread: float
    """The largest calm ``wall`` of a round over the smallest; 1 with one round."""
    answers: int
    """Of the good client during it, in the round with the fewest."""
    core: float
    """Part of a core that the server used during it."""
    grown: int
    """Most by which the server was larger during it than before."""
    left: int
    """By so much it was larger once it was over."""
    descriptors: int
    """Most of them during it."""
    descriptors_left: int
    """More than before, once it was over."""
    available: bool | None
    """What slowhttptest says; None for other attacks."""
    fault: str = ""
    """Why it could not be measured to the end."""

    @property
    def wall_times(self) -> float:
        return self.wall / self.calm_wall if self.calm_wall else 0.0

    @property
    def work_times(self) -> float:
        return self.work / self.calm_work if self.calm_work else 0.0

    @property
    def noisy(self) -> bool:
        """Whether the machine, not the server, made the good client wait."""
        return self.spread > NOISE

    @property
    def few(self) -> bool:
        """Whether there were too few answers for a p99: then it is nearer to the longest of them."""
        return self.answers < ENOUGH

    @property
    def faults(self) -> list[str]:
        """What is not as it is to be."""
        found = {
            self.fault: bool(self.fault),
            f"work {self.work_times:.1f} times": self.work_times > MOST,
            f"p99 {self.wall_times:.1f} times": self.wall_times > MOST and not self.noisy,
            f"{self.grown >> 20} MiB during it": self.grown > MOST_GROWN,
            f"{self.left >> 20} MiB left": self.left > MOST_LEFT,
            f"{self.descriptors_left} descriptors left": self.descriptors_left > MOST_DESCRIPTORS,
            "not available": self.available is False,
        }
        return [what for what, holds in found.items() if holds]


def measure(name: str, seconds: float, rounds: int) -> Figures:
    """Raises:
    OSError: the server did not start.
    """
    with tempfile.TemporaryDirectory() as text, contextlib.ExitStack() as stack:
        folder = Path(text)
        if name in slowhttptest.MODES:
            secure, server = False, attacked_server(folder, slowhttptest.options(name))
        else:
            attack = ATTACKS[name]
            secure, server = (
                attack.secure,
                attacked_server(folder, attack.options, secure=attack.secure, quic=attack.quic),
            )
        target = stack.enter_context(server)
        port = target.ports.tls if secure else target.ports.clear
        client = stack.enter_context(GoodClient(port, target.pid, secure=secure))
        course = Course(name, target, client, seconds)
        try:
            client.ask(seconds / 2)  # what is new to it
            course.before = target.held()
            for _ in range(rounds):
                course.round()
            course.settle()
        except ConnectionError as error:
            course.fault = f"the good client: {error}"
        return course.figures()


class Course:
    """What is seen of one attack, round by round."""

    def __init__(self, name: str, target: Target, client: GoodClient, seconds: float) -> None:
        self._name, self._target, self._client, self._seconds = name, target, client, seconds
        self._calm: list[Turn] = []
        self._attacked: list[Turn] = []
        self._cores: list[float] = []
        self._during: list[Held] = []
        self._available: list[bool] = []
        self._after: Held | None = None
        self.before = Held(memory=0, descriptors=0)
        self.fault = ""

    def round(self) -> None:
        self._calm.append(self._client.ask(self._seconds))
        with self._attacking():
            time.sleep(WARM_UP)
            used, began = cpu_seconds(self._target.pid), time.monotonic()
            self._attacked.append(self._client.ask(self._seconds))
            self._cores.append((cpu_seconds(self._target.pid) - used) / (time.monotonic() - began))
            self._during.append(self._target.held())
        time.sleep(BETWEEN)

    @contextlib.contextmanager
    def _attacking(self) -> Iterator[None]:
        judge = self._name in slowhttptest.MODES
        seconds = WARM_UP + self._seconds
        ports = self._target.ports
        if judge:
            command = slowhttptest.command(self._name, ports.clear, round(seconds) + 1, self._target.folder)
        else:
            given = [str(port) for port in (ports.clear, ports.tls, ports.quic)]
            command = [sys.executable, "-m", "benchmarks.attacks.attacker", self._name, *given, str(60 + seconds)]
        # The system prefers the good client: who is measured is the server, not the machine.
        process = subprocess.Popen(
            ["nice", "-n", "5", *command],
            cwd=ROOT,
            stdout=subprocess.DEVNULL if judge else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            if process.stdout is not None:
                process.stdout.readline()  # it begins, or has failed
            yield
            if judge:
                process.wait(60)
                self._available.append(slowhttptest.was_available(slowhttptest.report_of(self._target.folder)))
            elif process.poll() is not None:
                self.fault = f"the attacker ended: {process.communicate()[1].strip().rpartition(chr(10))[2]}"
        finally:
            process.terminate()
            try:
                process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def settle(self) -> None:
        """Look until it holds no more than before, for so long at most."""
        deadline = time.monotonic() + SETTLE
        while True:
            self._after = held = self._target.held()
            left = held.descriptors - self.before.descriptors
            if time.monotonic() > deadline or (left <= 0 and held.memory - self.before.memory < MOST_LEFT):
                return
            time.sleep(0.1)

    def figures(self) -> Figures:
        calm = [one.wall for one in self._calm] or [0.0]
        after = self._after or self.before
        return Figures(
            name=self._name,
            calm_wall=statistics.median(calm),
            wall=_median([one.wall for one in self._attacked]),
            calm_work=_median([one.work for one in self._calm]),
            work=_median([one.work for one in self._attacked]),
            spread=max(calm) / min(calm) if min(calm) else 1.0,
            answers=min((len(one.times) for one in self._attacked), default=0),
            core=_median(self._cores),
            grown=max((one.memory for one in self._during), default=self.before.memory) - self.before.memory,
            left=after.memory - self.before.memory,
            descriptors=max((one.descriptors for one in self._during), default=0),
            descriptors_left=after.descriptors - self.before.descriptors,
            available=all(self._available) if self._available else None,
            fault=self.fault,
        )


def _median(values: list[Any]) -> float:
    return float(statistics.median(values)) if values else 0.0
