"""Which QUIC library there is. The modules that import one are imported here only, and only when they are wanted."""

from __future__ import annotations

import functools
import importlib.util
import sys
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from pounce_h3.engine.library import Library

__all__ = ["default_library", "installed_libraries", "load_library"]

_LIBRARIES: Final = ("aioquic", "qh3")


def installed_libraries() -> tuple[str, ...]:
    """The names of those that are there, the one that is used first."""
    there = [name for name in _LIBRARIES if importlib.util.find_spec(name) is not None]
    # On the free-threaded build aioquic's modules would turn the GIL on.
    return tuple(reversed(there) if sys.version_info >= (3, 14) else there)


@functools.cache
def load_library(name: str) -> Library:
    """The library of this name, ``aioquic`` or ``qh3``."""
    if name == "aioquic":
        from pounce_h3.engine import aioquic_library

        return aioquic_library.LIBRARY
    from pounce_h3.engine import qh3_library

    return qh3_library.LIBRARY


@functools.cache
def default_library() -> Library:
    """The one that this Python uses.

    Raises:
        ConfigError: there is none.
    """
    there = installed_libraries()
    if not there:
        raise ConfigError(
            "HTTP/3 needs aioquic, or from Python 3.14 on qh3; install it with: pip install 'pounce-server[h3]'"
        )
    return load_library(there[0])
