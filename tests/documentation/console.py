"""Runs the commands of a console block as a reader would: a server in one terminal, the others in a second one."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from tests.documentation.blocks import ROOT, Block

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Terminal"]

SERVED_BY: Final = 60.0
"""Seconds in which a server answers on a busy machine; what takes longer hangs."""

SAID: Final = "Listening on http"
"""In the line that tells a reader that the server serves."""


class Terminal:
    """A folder with the files of a page, and the server that runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: subprocess.Popen[str] | None = None
        self._port = 0

    def run(self, block: Block) -> None:
        """Run each line that begins with ``$``; the lines below it have to be in what it prints, in their order."""
        fails = block.marks.get("fails")
        for command, shown in _commands(block.text):
            serves = _serves(shlex.split(command))
            if serves and fails is None:
                self._serve(command)
                continue
            if serves:
                self.close()  # its port is that of the one that is to fail
            printed = self._output(command, fails=fails is not None)
            assert fails is None or fails in printed, f"{block.place}: {command}\n{printed}"
            _assert_shown(shown, printed, f"{block.place}: {command}")

    def close(self) -> None:
        """Stop the server as Ctrl+C does."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.send_signal(signal.SIGINT)
        try:
            code = server.wait(SERVED_BY)
        except subprocess.TimeoutExpired:
            server.kill()
            raise
        finally:
            log = (self.folder / "server.log").read_text(encoding="utf-8")
        assert code == 0, log

    def _serve(self, command: str) -> None:
        self.close()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        with (self.folder / "server.log").open("w", encoding="utf-8") as log:
            self._server = subprocess.Popen(
                self._arguments(command.removesuffix(" &")),
                cwd=self.folder,
                env=self._environ(),
                stdout=log,
                stderr=log,
                text=True,
            )
        self._wait_until_it_serves()

    def _wait_until_it_serves(self) -> None:
        """Read what it says, as a reader does."""
        assert self._server is not None
        log = self.folder / "server.log"
        give_up = time.monotonic() + SERVED_BY
        while SAID not in log.read_text(encoding="utf-8"):
            if self._server.poll() is not None or time.monotonic() > give_up:
                raise AssertionError(log.read_text(encoding="utf-8"))
            time.sleep(0.05)

    def _output(self, command: str, *, fails: bool) -> str:
        done = subprocess.run(
            self._arguments(command),
            cwd=self.folder,
            env=self._environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SERVED_BY,
            check=False,
        )
        assert (done.returncode != 0) is fails, f"{command} ended with {done.returncode}\n{done.stdout}"
        return done.stdout

    def _arguments(self, command: str) -> list[str]:
        pid = str(self._server.pid) if self._server else "PID"
        line = re.sub(r"\bPID\b", pid, re.sub(r"(?<=:)8000\b", str(self._port), command))
        words = shlex.split(line)
        programs = {"pounce": [sys.executable, "-m", "pounce"], "python": [sys.executable]}
        quiet = ["curl", "--silent", "--show-error", "--max-time", str(SERVED_BY)]
        return [*programs.get(words[0], quiet if words[0] == "curl" else words[:1]), *words[1:]]

    def _environ(self) -> dict[str, str]:
        own = {"POUNCE_PORT": str(self._port), "POUNCE_LOG_FORMAT": "text", "PYTHONPATH": os.pathsep.join(_sources())}
        given = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
        return given | own


def _serves(words: list[str]) -> bool:
    """Whether a command is that of a server; other commands of `pounce` end by themselves."""
    return words[0] == "pounce" and (len(words) == 1 or ":" in words[1] or words[1].startswith("-"))


def _sources() -> list[str]:
    return [*os.environ.get("PYTHONPATH", "").split(os.pathsep), str(ROOT)]


def _commands(text: str) -> list[tuple[str, list[str]]]:
    """Each command, and the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((re.sub(r"\s+# .*$", "", line.removeprefix("$ ")), []))
        elif line.strip():
            found[-1][1].append(line.rstrip())
    return found


def _assert_shown(shown: list[str], printed: str, what: str) -> None:
    """``...`` in a line that is shown stands for anything, and as a line for any lines."""
    at = 0
    for line in shown:
        if line == "...":
            continue
        found = re.compile(".*?".join(map(re.escape, line.split("..."))), re.IGNORECASE).search(printed, at)
        assert found, f"{what} does not print {line!r}, but\n{printed}"
        at = found.end()
