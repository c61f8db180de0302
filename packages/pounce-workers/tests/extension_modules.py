"""Small extension modules, compiled while the tests run: one that declares itself ready for free threading and one
that does not.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
#include <Python.h>

static struct PyModuleDef_Slot slots[] = SLOTS;

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "NAME", .m_size = 0, .m_slots = slots,
};

PyMODINIT_FUNC PyInit_NAME(void) { return PyModuleDef_Init(&definition); }
"""
READY = "{{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}}"
NOT_READY = "{{0, NULL}}"


def build(folder: Path, name: str, *, ready: bool) -> None:
    """Compile the module into the folder; skips the test where that cannot be done."""
    command = shlex.split(sysconfig.get_config_var("LDSHARED") or "")
    if not command or shutil.which(command[0]) is None:
        pytest.skip("NO COMPILER here: what an extension module does to the GIL is not tested")
    source = folder / f"{name}.c"
    source.write_text(SOURCE.replace("SLOTS", READY if ready else NOT_READY, 1).replace("NAME", name))
    target = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = [*shlex.split(sysconfig.get_config_var("CCSHARED") or ""), f"-I{sysconfig.get_paths()['include']}"]
    done = subprocess.run(
        [*command, *flags, str(source), "-o", str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"THE COMPILER FAILED (are Python's headers there?): {done.stderr:.300}")


def run_python(folder: Path, program: str, *options: str, **environment: str) -> str:
    """What the program prints, run where modules in the folder can be imported; its errors are shown."""
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(folder), **environment},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()
