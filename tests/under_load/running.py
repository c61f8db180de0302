"""A server that is watched while clients are at it; its log goes to a file, which is never in its way."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final, Self

from benchmarks.process_tree import members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["RunningServer", "wait_until"]

PATIENCE: Final = 40.0
"""Seconds that anything may take on a busy machine before it counts as not happening."""
LISTENING: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")
ACCESS_LINE: Final = re.compile(r'^127\.0\.0\.1 - - \[.*\] ".*" \d{3} ', re.MULTILINE)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds:g} s still not: {what}"
        time.sleep(0.02)


class RunningServer:
    """``pounce`` as a process. Leaving the block kills what is left of it and of its workers."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        python: tuple[str, ...] = ("-m", "pounce", "app:app", "--port", "0"),
        environ: Mapping[str, str] | None = None,
        log_to: Path | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        """``python``: what the interpreter runs. ``log_to``: a device that takes the output instead of a file.
        ``descriptors``: what it inherits, under the same numbers.
        """
        self._log = folder / "server.log"
        given = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
        with (log_to or self._log).open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *python, *arguments],
                cwd=folder,
                env=given
                | {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", "POUNCE_LOG_FORMAT": "text"}
                | dict(environ or {}),
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
            )
        self._seen: set[int] = {self.pid}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        left = {self.pid, *self.workers}
        self._process.kill()
        self._process.wait()
        for pid in left - {self.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """Its worker processes."""
        return members(self.pid)[1:]

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def news(self) -> str:
        """Its log without that of requests."""
        return "".join(line for line in self.log.splitlines(keepends=True) if not ACCESS_LINE.match(line))

    @property
    def access_lines(self) -> int:
        return len(ACCESS_LINE.findall(self.log))

    @property
    def port(self) -> int:
        return int(self.wait_for(LISTENING).group(1))

    def wait_for(self, pattern: str | re.Pattern[str], seconds: float = PATIENCE) -> re.Match[str]:
        """Wait until it has written something that matches."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log)):
            ended = self._process.poll() is not None and not re.search(pattern, self.log)
            assert not ended, f"it ended without {pattern!r}:\n{self.news}"
            assert time.monotonic() < deadline, f"nothing like {pattern!r} in:\n{self.news}"
            time.sleep(0.02)
        return found

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def reload(self, generation: int) -> None:
        """Have it serve new code, and wait until it does. It counts from 1, the code that it began with."""
        self.signal(signal.SIGHUP)
        self.wait_for(rf"generation {generation} of the code serves")

    def stop(self, seconds: float = PATIENCE) -> int:
        """Its exit code after a graceful stop."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code; more than so many seconds are an error."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds:g} s:\n{self.news}") from None
