"""What runs us: the interpreter, its build, and whether its GIL is on."""

from __future__ import annotations

import platform
import sys
import sysconfig

__all__ = ["describe_interpreter", "gil_is_on", "is_free_threaded"]


def is_free_threaded() -> bool:
    """Whether the interpreter was built to run without a GIL."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def gil_is_on() -> bool:
    """Whether the GIL is on at this moment; importing an extension module can switch it on."""
    is_enabled = getattr(sys, "_is_gil_enabled", None)
    return True if is_enabled is None else bool(is_enabled())


def describe_interpreter() -> str:
    """Such as ``CPython 3.14.0, free-threaded, GIL off``."""
    build = ", free-threaded" if is_free_threaded() else ""
    return (
        f"{platform.python_implementation()} {platform.python_version()}{build}, GIL {'on' if gil_is_on() else 'off'}"
    )
