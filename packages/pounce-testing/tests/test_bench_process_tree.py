"""Processor time and memory of a tree of processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pounce_testing.bench.process_tree import (
    ProcessRow,
    cpu_seconds,
    members,
    memory_bytes,
    parse_ps,
    parse_ps_time,
)

BURN = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True)\ninput()"


@pytest.mark.skipif(sys.platform == "win32", reason="there is neither /proc nor ps")
def test_a_child_counts() -> None:
    before = cpu_seconds(os.getpid())
    with subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in members(os.getpid())
        assert cpu_seconds(child.pid) >= 0.15
        assert cpu_seconds(os.getpid()) - before >= 0.15
        assert 1_000_000 < memory_bytes(child.pid) < memory_bytes(os.getpid())
        child.communicate(b"\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is neither /proc nor ps")
def test_one_that_has_ended_has_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert cpu_seconds(child.pid) == 0
    assert memory_bytes(child.pid) == 0


def test_parse_ps() -> None:
    assert parse_ps("    1     0   0:01.50   1024\n  200     1 1-02:03:04 8\n") == [
        ProcessRow(1, 0, 1.5, 1048576),
        ProcessRow(200, 1, 93784.0, 8192),
    ]


@pytest.mark.parametrize(
    ("text", "expected"), [("0:00.03", 0.03), ("12:34", 754), ("01:00:00", 3600), ("2-00:00:01", 172801)]
)
def test_parse_ps_time(text: str, expected: float) -> None:
    assert parse_ps_time(text) == pytest.approx(expected)
