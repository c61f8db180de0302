"""What the tests of this package share."""

from __future__ import annotations

import gc
import logging
import pathlib
import signal
import sys
import types
from typing import TYPE_CHECKING

import pytest

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from code_folder import CodeFolder

from pounce import library_caches

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.fixture(autouse=True)
def untouched_loggers() -> Iterator[None]:
    """Loggers as a fresh process has them, and as they were before afterwards."""
    loggers = [logging.getLogger(name) for name in ("pounce", "pounce.access")]
    before = [(one.level, one.propagate, one.handlers[:]) for one in loggers]
    for one in loggers:
        one.setLevel(logging.NOTSET)
        one.propagate, one.handlers[:] = True, []
    yield
    for one, (level, propagate, handlers) in zip(loggers, before, strict=True):
        one.setLevel(level)
        one.propagate, one.handlers[:] = propagate, handlers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """A command that has served ignores signals in the end, and so would what later tests start."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        return (yield)
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@pytest.fixture
def code(tmp_path: pathlib.Path) -> Iterator[CodeFolder]:
    """An empty folder of code; what is imported from it is forgotten again."""
    folder = CodeFolder(tmp_path)
    yield folder
    folder.close()


@pytest.fixture
def few_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks for old code does not look through all that a run of many tests has imported and set aside."""
    whole = {name: getattr(gc, name) for name in dir(gc)}
    monkeypatch.setattr(library_caches, "gc", types.SimpleNamespace(**whole | {"get_freeze_count": lambda: 0}))
