"""Counting the CPUs that may be used, and keeping workers on them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from pounce_asgi import ConfigError
from pounce_workers import allowed_cpus, available_cpus, pin_worker, worker_count
from pounce_workers.supervision import affinity
from pounce_workers.supervision.affinity import cpu_for

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program choose")


@pytest.mark.parametrize(
    ("cpus", "quota", "expected"),
    [(8, None, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.1, 1), (2, 16.0, 2), (1, None, 1), (0, None, 1)],
)
def test_available_cpus(monkeypatch: pytest.MonkeyPatch, cpus: int, quota: float | None, expected: int) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(affinity, "_cpus_of_process", lambda: cpus)
    monkeypatch.setattr(affinity, "cpu_quota", lambda: quota)
    assert available_cpus() == expected


def _child(code: str, *options: str, **environ: str) -> str:
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=True).stdout.strip()


@linux_only
def test_the_mask_of_the_process_counts() -> None:
    one = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, {{{one}}}); import pounce_workers as p; print(p.available_cpus())"
    assert _child(code) == "1"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python 3.13 brought it")
def test_what_the_interpreter_is_told_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "cpu_quota", lambda: None)
    code = "from pounce_workers.supervision import affinity as a; print(a._cpus_of_process())"
    assert _child(code, "-X", "cpu_count=37") == "37"


@pytest.mark.parametrize(("asked", "expected"), [(1, 1), (7, 7), (0, 5)])
def test_worker_count(monkeypatch: pytest.MonkeyPatch, asked: int, expected: int) -> None:
    monkeypatch.setattr(affinity, "available_cpus", lambda: 5)
    assert worker_count(asked) == expected


@pytest.mark.parametrize(
    ("cpus", "of_workers"),
    [((0,), [0, 0, 0, 0, 0]), ((0, 1), [0, 1, 0, 1, 0]), ((3, 5, 9), [3, 5, 9, 3, 5])],
)
def test_workers_take_turns(cpus: tuple[int, ...], of_workers: list[int]) -> None:
    assert [cpu_for(worker_id, cpus) for worker_id in range(5)] == of_workers


@linux_only
def test_a_worker_thread_is_pinned_and_no_other() -> None:
    cpus = allowed_cpus()
    seen: list[object] = []

    def work() -> None:
        seen.append(pin_worker(1, cpus))
        seen.append(os.sched_getaffinity(0))
        helper = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
        helper.start()
        helper.join()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    cpu = cpus[1 % len(cpus)]
    assert seen == [cpu, {cpu}, {cpu}]
    assert allowed_cpus() == cpus


@linux_only
def test_a_cpu_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        pin_worker(0, (os.cpu_count() or 1) * [4095])


def test_elsewhere_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ConfigError, match="Linux only"):
        allowed_cpus()
    with pytest.raises(ConfigError, match="Linux only"):
        pin_worker(0, (0,))
