"""The kind of worker follows from the interpreter, what was asked for, and how many there are."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest

from pounce_workers.supervision.gil_watch import GilCulprit
from pounce_workers.supervision.runtime import Decision, Interpreter, detect_kind, gil_is_on, is_free_threaded

ORDINARY = Interpreter(free_threaded=False, gil_on=True)
OFF = Interpreter(free_threaded=True, gil_on=False)
ON = Interpreter(free_threaded=True, gil_on=True)
FORCED_ON = Interpreter(free_threaded=True, gil_on=True, gil_forced=True)
FORCED_OFF = Interpreter(free_threaded=True, gil_on=False, gil_forced=False)
BROTLI = GilCulprit(modules=("_brotli",), certain=True, chain=("main", "brotli"))


@pytest.mark.parametrize(
    ("interpreter", "given", "kind", "reason"),
    [
        (OFF, {"workers": 4}, "thread", "the GIL is off"),
        (OFF, {"workers": 1}, "thread", "the GIL is off"),
        (FORCED_OFF, {"workers": 4}, "thread", "PYTHON_GIL=0 or -X gil=0 keeps the GIL off"),
        (ORDINARY, {"workers": 4}, "process", "this Python has a GIL"),
        (ORDINARY, {"workers": 1}, "thread", "the only worker; this Python has a GIL"),
        (FORCED_ON, {"workers": 4}, "process", "PYTHON_GIL=1 or -X gil=1 keeps the GIL on"),
        (ON, {"workers": 4, "culprits": [BROTLI]}, "process", "'_brotli' switched the GIL on"),
        (ON, {"workers": 1, "culprits": [BROTLI]}, "thread", "the only worker; '_brotli' switched the GIL on"),
        (ON, {"workers": 4}, "process", "the GIL was on before the application was imported"),
        (OFF, {"workers": 4, "requested": "process"}, "process", "asked for; the GIL is off"),
        (OFF, {"workers": 4, "requested": "thread"}, "thread", "asked for; the GIL is off"),
        (ORDINARY, {"workers": 4, "requested": "thread"}, "thread", "asked for; this Python has a GIL"),
        (ORDINARY, {"workers": 1, "requested": "process"}, "process", "asked for; this Python has a GIL"),
    ],
)
def test_kind_and_reason(interpreter: Interpreter, given: dict[str, Any], kind: str, reason: str) -> None:
    decision = detect_kind(interpreter, **given)
    assert (decision.kind, decision.workers, decision.reason) == (kind, given["workers"], reason)
    assert decision.imports_here is (kind == "thread")
    assert decision.culprits == tuple(given.get("culprits", ()))


@pytest.mark.parametrize("interpreter", [ORDINARY, OFF, ON, FORCED_ON, FORCED_OFF])
@pytest.mark.parametrize("requested", ["thread", "process"])
@pytest.mark.parametrize("workers", [1, 4])
def test_what_is_asked_for_is_what_serves(interpreter: Interpreter, requested: Any, workers: int) -> None:
    assert detect_kind(interpreter, requested=requested, workers=workers).kind == requested


@pytest.mark.parametrize("interpreter", [ORDINARY, ON, FORCED_ON])
def test_threads_that_share_a_gil_are_warned_of(interpreter: Interpreter) -> None:
    (line,) = detect_kind(interpreter, requested="thread", workers=4).warnings
    assert "4 worker threads share one GIL" in line
    assert "--worker-kind process" in line


def test_nothing_is_warned_of_where_nothing_is_wrong() -> None:
    quiet: Any = itertools.product([ORDINARY, FORCED_ON, OFF, FORCED_OFF], ["auto", "process"], [1, 4])
    assert all(detect_kind(one, requested=kind, workers=count).warnings == () for one, kind, count in quiet)
    assert detect_kind(ORDINARY, requested="thread", workers=1).warnings == ()
    assert detect_kind(OFF, requested="thread", workers=4).warnings == ()


@pytest.mark.parametrize("workers", [1, 4])
def test_a_gil_that_came_back_is_warned_of(workers: int) -> None:
    assert detect_kind(ON, workers=workers, culprits=[BROTLI]).warnings == (BROTLI.warning,)


@pytest.mark.parametrize(
    ("kind", "workers", "summary"),
    [
        ("thread", 1, "1 thread: so it is"),
        ("thread", 4, "4 threads: so it is"),
        ("process", 1, "1 process: so it is"),
        ("process", 4, "4 processes: so it is"),
    ],
)
def test_summary(kind: Any, workers: int, summary: str) -> None:
    assert Decision(kind=kind, workers=workers, reason="so it is").summary == summary


def test_this_interpreter() -> None:
    here = Interpreter.now()
    assert here.free_threaded is is_free_threaded()
    assert here.gil_on is gil_is_on()
    assert here.free_threaded or here.gil_on
    assert here.gil_forced in (None, here.gil_on)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_gil_is_asked_for_each_time(monkeypatch: pytest.MonkeyPatch, enabled: bool) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: enabled, raising=False)
    assert gil_is_on() is enabled


def test_a_python_that_cannot_tell_has_a_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "_is_gil_enabled", raising=False)
    assert gil_is_on()
