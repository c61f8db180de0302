"""What is counted of each change: what a start, a reload and every worker has to do before it serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce.config import ServerConfig
from pounce.sources import load_config

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

FLAGS: Final = {"app": "main:app", "port": 8000, "workers": "2"}
VARIABLES: Final = {"POUNCE_LOG_LEVEL": "info", "HOME": "/root", "PATH": "/usr/bin"}
HERE: Final = Path(__file__).parent


def sources(count: int) -> None:
    """Flags and variables become a configuration. One for a hundred: it takes as long as a hundred requests."""
    for _ in range(count // 100):
        load_config(FLAGS, environ=VARIABLES, folder=HERE)


def configuration(count: int) -> None:
    """A configuration with what it says when nothing is set."""
    for _ in range(count // 10):
        ServerConfig(app="main:app")


CASES: Final[dict[str, Callable[[int], None]]] = {"flags and variables": sources, "defaults": configuration}
