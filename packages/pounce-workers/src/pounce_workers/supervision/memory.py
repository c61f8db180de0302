"""How much memory this process holds."""

from __future__ import annotations

import sys

__all__ = ["resident_memory"]

if sys.platform == "linux":
    import os
    from pathlib import Path

    _PAGE = os.sysconf("SC_PAGE_SIZE")
    _STATM = Path("/proc/self/statm")

    def resident_memory() -> int | None:
        """Resident memory in bytes; None when it cannot be told."""
        try:
            return int(_STATM.read_bytes().split()[1]) * _PAGE
        except OSError:
            return None

elif sys.platform == "win32":

    def resident_memory() -> int | None:
        """Resident memory in bytes; None when it cannot be told."""
        return None  # the standard library has no way to ask

else:
    import resource

    def resident_memory() -> int | None:
        """The most resident memory that it ever had, in bytes: what it has now is not to be had here."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
