"""Every framework that is tested here leaves the GIL off, so that worker threads are what serves it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from typing import Final

import pytest

from tests.frameworks.test_idioms import FRAMEWORKS

FREE_THREADED: Final = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

PROGRAM: Final = """
import importlib, sys
module = importlib.import_module("tests.frameworks.apps.{framework}_app")
from tests.frameworks.probe import Probe
module.build(Probe())
assert not sys._is_gil_enabled(), "the GIL is on"
"""


@pytest.mark.skipif(not FREE_THREADED, reason="this interpreter always has its GIL")
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_gil_stays_off(framework: str) -> None:
    """Import it and build an application; the interpreter warns of a module that brings the GIL back."""
    program = [sys.executable, "-W", "error", "-c", PROGRAM.format(framework=framework)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
