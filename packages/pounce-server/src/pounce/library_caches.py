"""What installed packages remember of code that is gone.

Frameworks keep what they found out about a function or class in ``functools.lru_cache``, FastAPI about every route and
``typing`` about every annotation. Such a cache holds the function, which holds its module, and so one generation of the
application after the other. When a generation has ended, the caches that know anything of the application are emptied;
what the new code needs of them is found out again. Caches that know nothing of it, among them those that hold the only
instance of something, stay.
"""

from __future__ import annotations

import functools
import gc
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["forget"]

DEPTH: Final = 6
"""How deep an entry is looked into: the union of an annotated class, as ``typing`` has it as a key, is five."""

MOST_LOOKED_AT: Final = 20_000
"""Objects of one cache, some milliseconds; one that holds more is a store of data and not of what was found out."""

_Cache: Final = type(functools.lru_cache(lambda: None))


def forget(modules: Collection[str]) -> None:
    """Empty the caches of other modules that know anything of these, by name, and free what nobody needs any more.

    Old modules refer to themselves in many ways and are much memory, so garbage is collected at once. What the program
    has frozen (``gc.freeze``) may be the old code; it is looked at, too, and frozen again.
    """
    names = frozenset(modules)
    frozen = gc.get_freeze_count()
    if frozen:
        gc.unfreeze()
    # Not gc.get_objects(): other threads run, and a tuple that one of them is just building from a generator may have
    # no second owner (before Python 3.14 that thread gets a SystemError).
    caches = [one for one in gc.get_referrers(_Cache) if type(one) is _Cache and _module_named_by(one) not in names]
    for cache in caches:
        if _knows(cache, names):
            cache.cache_clear()
    del caches
    gc.collect()
    if frozen:
        gc.freeze()


def _knows(cache: Any, names: frozenset[str]) -> bool:
    """Whether a key or value of a cache belongs to one of these modules, or something in it does."""
    if not cache.cache_info().currsize:
        return False
    seen = {id(cache.__wrapped__)}
    layer = gc.get_referents(cache)
    for _ in range(DEPTH):
        following: list[Any] = []
        for one in layer:
            if id(one) in seen or len(seen) > MOST_LOOKED_AT:
                continue
            seen.add(id(one))
            holder = one if isinstance(one, (type, FunctionType)) else type(one)
            if _module_named_by(holder) in names:
                return True
            if not isinstance(one, (type, FunctionType, ModuleType)):
                following += gc.get_referents(one)
        layer = following
    return False


def _module_named_by(holder: object) -> str | None:
    module = getattr(holder, "__module__", None)
    return module if isinstance(module, str) else None
