"""What a run of many tests spends on itself, and how it does not."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING, Final

import pytest

from tests.covering import leave_out_repetitions
from tests.quick import is_quick
from tests.tables import gather_tables

try:
    import resource
except ImportError:  # Windows does not count descriptors
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "pytest_addoption",
    "pytest_collection",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_ignore_collect",
    "pytest_runtest_teardown",
    "pytest_xdist_auto_num_workers",
]

DESCRIPTORS: Final = 8192
"""Thousands of connections are held at once, both ends of them here; many a shell allows 1024 to begin with."""

_unfreeze = gc.unfreeze
_unfrozen = False
"""Whether somebody has unfrozen the tests. Written by whichever thread does, read between tests."""


def _note_and_unfreeze() -> None:
    global _unfrozen
    _unfrozen = True
    _unfreeze()


def _set_tests_aside() -> None:
    global _unfrozen
    _unfrozen = False
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--quick``."""
    parser.addoption(
        "--quick", action="store_true", help="leave out files whose tests start processes, threads, servers"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--quick``: what is not."""
    if config.getoption("--quick") and collection_path.name.startswith("test_") and collection_path.suffix == ".py":
        return None if is_quick(collection_path) else True
    return None


def pytest_collection() -> None:
    """Look for no garbage while tests are collected: hardly any is made."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After ``-k`` and all else that chooses among the tests."""
    items[:] = gather_tables(leave_out_repetitions(config, items))


def pytest_configure() -> None:
    """A shell lets what it runs in the background ignore Ctrl+C, and so would each server that a test starts.

    And it allows few open files.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _allow_descriptors()


def _allow_descriptors() -> None:
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def pytest_collection_finish() -> None:
    """Take the tests from the collector's sight.

    They are millions of objects, and a third of a second for each collection that a test asks for, or that Python finds
    to be due. Worker threads that a server ends, and a few tests, unfreeze all there is; that is noted and undone.
    """
    gc.enable()
    gc.unfreeze = _note_and_unfreeze
    _set_tests_aside()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Where a file has unfrozen them: again before the next file."""
    if _unfrozen and nextitem is not None and nextitem.path != item.path:
        _set_tests_aside()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three processes for two processors, with ``-n auto``: many tests wait."""
    return (os.cpu_count() or 1) * 3 // 2
