"""Where the tests of the engine find each other's doubles, and their loop."""

from __future__ import annotations

import pathlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from exchange_doubles import illegal_uses
from virtual_time import run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator


@pytest.fixture(scope="session")
def run() -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """Runs a coroutine function on a loop with virtual time."""
    return run_virtually


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """No test passes while an exchange does what no wire could do."""
    illegal_uses.clear()
    yield
    assert not illegal_uses
