"""Where the tests find the doubles that lie beside them: they are no package."""

from __future__ import annotations

import logging
import pathlib
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture
def fresh_loggers() -> Iterator[None]:
    """Loggers as a fresh process has them, and as they were before afterwards."""
    loggers = [logging.getLogger(name) for name in (None, "pounce", "pounce.access", "pounce.server")]
    before = [(one.level, one.propagate, one.disabled, one.handlers[:]) for one in loggers]
    for one in loggers[1:]:
        one.setLevel(logging.NOTSET)
        one.propagate, one.disabled, one.handlers[:] = True, False, []
    yield
    for one, (level, propagate, disabled, handlers) in zip(loggers, before, strict=True):
        for handler in one.handlers:
            if handler not in handlers:
                handler.close()
        one.setLevel(level)
        one.propagate, one.disabled, one.handlers[:] = propagate, disabled, handlers
