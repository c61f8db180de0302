"""The command as a person starts it: a process, its log, its exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final, Self

from pounce_testing import RawClient

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_SECONDS: Final = 90.0
LISTENING: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pounce", *arguments]


def clean_environ(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what configures Pounce, and with tracebacks and output as a person sees them."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
    return given | {"PYTHONUNBUFFERED": "1", "POUNCE_LOG_FORMAT": "text"} | dict(extra or {})


def run_to_end(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command where it is expected to end by itself."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=clean_environ(environ),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class ServerProcess:
    """``pounce`` in a process of its own, from start to exit code. Leaving the block kills what is left of it."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        argv: Sequence[str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        full = [*argv, *arguments] if argv else command(*arguments)
        self._process = subprocess.Popen(
            full,
            cwd=folder,
            env=clean_environ(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=pass_fds,
        )
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def log(self) -> str:
        """All that it has written so far."""
        with self._news:
            return "".join(self._lines)

    @property
    def port(self) -> int:
        """The port that it listens on, waiting until it says so."""
        return int(self.wait_for_line(LISTENING).group(1))

    def wait_for_line(self, pattern: str | re.Pattern[str]) -> re.Match[str]:
        """Wait until it has written something that matches."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._find(pattern), START_SECONDS)
            found = self._find(pattern)
        assert found, f"nothing like {pattern!r} in:\n{self.log}"
        return found

    def connect(self) -> RawClient:
        return RawClient("127.0.0.1", self.port)

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Its exit code; more than so many seconds are an error."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s:\n{self.log}") from None
        self._reader.join(5)
        return code

    def _find(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        return re.search(pattern, "".join(self._lines))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
