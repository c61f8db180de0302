"""On what a comparison was made, without which its figures mean nothing."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

__all__ = ["load_average", "machine", "processor"]


def processor() -> str:
    """Its name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def load_average() -> float | None:
    """Processes that wanted a processor in the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def machine() -> dict[str, str | int | float | None]:
    """As JSON."""
    is_gil_enabled = getattr(sys, "_is_gil_enabled", None)
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "processors": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "gil": "on" if is_gil_enabled is None or is_gil_enabled() else "off",
        "load_before": load_average(),
    }
