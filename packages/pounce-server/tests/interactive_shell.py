"""A shell as a person has it: on a terminal, where the tabulator completes."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["InteractiveShell"]

PATIENCE = 60.0
"""Seconds: each tabulator starts a Python, and other tests run beside this one."""
ATTEMPTS = 4
CLEAR = "\x15"
"""Ctrl+U: in each of these shells what is before the cursor is gone."""


class InteractiveShell:
    """Used by one thread, as a context manager."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._seen = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe(arguments[0], list(arguments), dict(environment))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def type(self, text: str) -> None:
        """As if on the keyboard; what was shown before is forgotten."""
        self._seen = ""
        os.write(self._terminal, text.encode())

    def complete(self, line: str, pattern: str) -> None:
        """Type a line anew and a tabulator until what is shown has this pattern. What is typed between the prompt and
        the moment when a shell takes the terminal over may be thrown away, so it is typed again.

        Raises:
            AssertionError: it does not come.
        """
        for _ in range(ATTEMPTS - 1):
            self.type(f"{CLEAR}{line}\t")
            with contextlib.suppress(AssertionError):
                self.wait_for(pattern, PATIENCE / ATTEMPTS)
                return
        self.type(f"{CLEAR}{line}\t")
        self.wait_for(pattern)

    def wait_for(self, pattern: str, patience: float = PATIENCE) -> None:
        """Wait until something is shown that has this pattern.

        Raises:
            AssertionError: it does not come.
        """
        deadline = time.monotonic() + patience
        while not re.search(pattern, self._seen, re.DOTALL):
            readable, _, _ = select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"{pattern!r} is not shown, but {self._seen!r}"
            try:
                self._seen += os.read(self._terminal, 65536).decode("utf-8", "replace")
            except OSError:  # the shell has ended
                raise AssertionError(f"{pattern!r} was not shown, but {self._seen!r}") from None
