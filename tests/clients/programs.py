"""The programs that these tests run as clients, and what holds for each of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

import pytest

__all__ = ["PROGRAM_SECONDS", "find_program", "run_program"]

PROGRAM_SECONDS: Final = 60
"""Far longer than any of them takes on a busy machine: it ends one that hangs."""


def find_program(*names: str) -> str:
    """The path of the first that is there. Without any the test is skipped, but not where ``.ci/run`` installs it."""
    for name in names:
        if found := shutil.which(name):
            return found
    tried = "CLIENTS_NOT_INSTALLED" in os.environ  # by .ci/run, and in vain
    if os.environ.get("CI") == "true" and can_be_installed() and not tried:
        pytest.fail(f"{names[0]} is not installed, and .ci/run installs it")
    pytest.skip(f"{names[0].upper()} IS NOT INSTALLED: this test has not run")


def can_be_installed() -> bool:
    """Whether ``.ci/run`` could: it asks the same."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def run_program(*command: str, stdin: bytes = b"") -> bytes:
    """Run a program to its end: what it wrote. It has failed if its exit code says so."""
    ended = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=PROGRAM_SECONDS)
    assert ended.returncode == 0, (
        f"{command[0]} ended with {ended.returncode}\n{ended.stderr[-3000:].decode(errors='replace')}\n"
        f"{ended.stdout[-1000:].decode(errors='replace')}"
    )
    return ended.stdout
