"""One way to do harm: what the server is started with for it, and the coroutine that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ["Attack", "Ports"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the server listens: in the clear, with TLS, and over UDP. 0 is nowhere."""

    clear: int
    tls: int
    quic: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """Goes on until it is cancelled; a flood begins again when its connection is ended."""

    run: Callable[[Ports], Coroutine[Any, Any, None]]
    secure: bool = False
    """It is the server with TLS and HTTP/3 that is attacked, and that the good client asks."""
    quic: bool = False
    """It speaks QUIC."""
    options: tuple[str, ...] = ()
    """What the server is started with beside its defaults. ``{folder}`` is one that holds a file of 1 MB, ``file``."""
    programs: tuple[str, ...] = ()
    """What has to be installed."""
    root: bool = False
    """It takes a network namespace, which root alone can make."""
