"""How the process collects garbage while it serves: what start-up left is set aside, and collections are short.

On free-threaded builds a collection stops every thread and walks every object, frozen ones too. CPython 3.14 waits
there until a quarter as many objects have been made as are alive, which lets garbage pile up: applications that leave
cycles behind saw pauses of 26 ms with 80,000 objects held, and 4 ms with collections after each 10,000. The price is a
walk for each 10,000 objects by which an application grows.
"""

from __future__ import annotations

import gc
import sysconfig
from typing import Final

__all__ = ["calm_garbage_collection", "restore_garbage_collection"]

__own_collections__ = True
"""Whoever warns of collections finds this in the module that asked for one, and lets those of the server pass."""

FREE_THREADED: Final = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
SHORT_COLLECTIONS: Final = (10_000, 0, 0)
"""After 10,000 more objects made than freed; the 0 switches the wait for a quarter of all off."""


def calm_garbage_collection() -> tuple[int, int, int]:
    """Set aside what start-up left, and shorten collections on a free-threaded build. Returns what to restore.

    Thresholds that the application has set itself, or a collector that it switched off, are left as they are. For the
    owner of the process only.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    if FREE_THREADED and before == _DEFAULT and gc.isenabled():
        gc.set_threshold(*SHORT_COLLECTIONS)
    return before


def restore_garbage_collection(before: tuple[int, int, int]) -> None:
    """Undo `calm_garbage_collection`, unless somebody has set other thresholds since."""
    if gc.get_threshold() == SHORT_COLLECTIONS:
        gc.set_threshold(*before)
    gc.unfreeze()


_DEFAULT: Final = gc.get_threshold()
