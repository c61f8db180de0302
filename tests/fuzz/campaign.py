"""Fuzzing for as long as one likes: one target, a corpus that grows by what is new, and the finds.

What is new is told by lines: on Python 3.12 and later by `sys.monitoring`, which costs next to nothing because each
line is told once; with atheris (an optional tool, https://github.com/google/atheris) by libFuzzer; else by nothing, and
only the seeds are mutated.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tests.fuzz.mutation import LONGEST, Mutator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.target import Target

__all__ = ["Campaign", "Find"]

MOST_CORPUS: Final = 4000
_TOOL: Final = 4
"""Of `sys.monitoring`: not that of coverage, profilers or debuggers."""


@dataclass(frozen=True, slots=True)
class Find:
    """An input that breaks a promise. Two are the same if they break it at the same place."""

    data: bytes
    error: BaseException
    place: str

    @classmethod
    def of(cls, data: bytes, error: BaseException) -> Find:
        """``place``: the kind of error and the last lines of our own on its way."""
        frames = traceback.extract_tb(error.__traceback__)
        last = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:]]
        return cls(data, error, f"{type(error).__name__} at {' < '.join(reversed(last))}")


class _NewLines:
    """Whether anything was run for the first time since it was last asked. Python 3.12 and later."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._folders = tuple(f"/{name.replace('.', '/')}" for name in modules)
        self._count = 0
        self._monitoring: Any = getattr(sys, "monitoring", None)

    def __enter__(self) -> Self:
        tool = self._monitoring
        if tool is not None and self._folders:
            events = tool.events.LINE | getattr(tool.events, "BRANCH_LEFT", 0) | getattr(tool.events, "BRANCH_RIGHT", 0)
            tool.use_tool_id(_TOOL, "fuzz")
            for event in (1 << bit for bit in range(20)):
                if events & event:
                    tool.register_callback(_TOOL, event, self._met)
            tool.set_events(_TOOL, events)
        return self

    def __exit__(self, *_: object) -> None:
        if self._monitoring is not None and self._folders:
            self._monitoring.set_events(_TOOL, 0)
            self._monitoring.free_tool_id(_TOOL)

    def _met(self, code: Any, *_: object) -> Any:
        if any(folder in code.co_filename for folder in self._folders):
            self._count += 1
        return self._monitoring.DISABLE

    def take(self) -> bool:
        """Whether there was any."""
        met, self._count = self._count, 0
        return met > 0


@dataclass(slots=True)
class Campaign:
    """One target, for some time. ``executions`` and ``finds`` are what came of it."""

    target: Target
    seed: int = 0
    guided: bool = True
    """Keep inputs that run new lines. Without, a target makes the same inputs on every Python."""
    executions: int = 0
    finds: dict[str, Find] = field(default_factory=dict)
    corpus: list[bytes] = field(default_factory=list)

    def run(self, *, seconds: float = float("inf"), rounds: int | None = None) -> None:
        """Check the seeds; then mutate and check until the time is over, or ``rounds`` mutations were tried."""
        mutator = Mutator(random.Random(self.seed), self.target.dictionary)
        self.corpus = list(dict.fromkeys(self.target.seeds))
        end = time.monotonic() + seconds
        with _NewLines(tuple(self.target.modules) if self.guided else ()) as new_lines:
            for data in tuple(self.corpus):
                self.try_one(data)
            new_lines.take()
            most = None if rounds is None else self.executions + rounds
            while time.monotonic() < end and (most is None or self.executions < most):
                data = mutator.mutate(self.corpus)
                self.try_one(data)
                if new_lines.take() and len(self.corpus) < MOST_CORPUS:
                    self.corpus.append(data)

    def try_one(self, data: bytes) -> None:
        """Check one input, and keep it if it is a find."""
        self.executions += 1
        try:
            self.target.check(data)
        except (Exception, RecursionError) as error:  # noqa: BLE001 - whatever comes out is a find
            find = Find.of(data, error)
            known = self.finds.get(find.place)
            if known is None or len(data) < len(known.data):
                self.finds[find.place] = find

    def run_atheris(self, *, seconds: float, folder: Path, say: Callable[[str], None]) -> None:
        """The same, with libFuzzer in place of our mutations. It reports and ends the process, since libFuzzer does.

        Raises:
            ImportError: atheris is not installed.
        """
        atheris: Any = importlib.import_module("atheris")
        corpus = folder / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for seed in self.target.seeds:
            (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        words = folder / "dictionary"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in self.target.dictionary))
        end = time.monotonic() + seconds

        def check(data: bytes) -> None:
            self.try_one(data)
            if time.monotonic() > end:
                self.corpus = [path.read_bytes() for path in corpus.iterdir()]
                self.report(say)
                sys.stdout.flush()
                os._exit(1 if self.finds else 0)

        options = [f"-max_len={LONGEST}", f"-seed={self.seed + 1}", f"-dict={words}", "-verbosity=0", str(corpus)]
        atheris.Setup([sys.argv[0], *options], check)
        atheris.Fuzz()

    def report(self, say: Callable[[str], None]) -> None:
        """What came of it, in lines."""
        say(f"{self.target.name}: {self.executions:,} executions, {len(self.corpus)} inputs, {len(self.finds)} finds")
        for place, find in self.finds.items():
            say(f"  {place}: {str(find.error)[:300]}\n    input: {find.data!r}")


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)
