"""The servers that can be compared, and how each is told to serve with so many workers: one table.

All are started as their documentation says, with the event loop and the parser that they choose by themselves, and
without an access log: what is compared is serving, not writing.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CONTESTANTS", "HOST", "Contestant", "Launch", "chosen", "installed"]

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a server is told."""

    app: str
    """``module:attribute``."""
    port: int
    workers: int = 1
    app_dir: str = "."
    python: str = sys.executable


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One of the servers."""

    name: str
    distribution: str
    module: str
    """It can be imported where the server is installed."""
    arguments: Callable[[Launch], list[str]]

    @property
    def version(self) -> str:
        """Of the distribution that is installed."""
        return importlib.metadata.version(self.distribution)

    def command(self, launch: Launch) -> list[str]:
        """What starts it."""
        return [launch.python, "-m", self.module, *self.arguments(launch)]


def _pounce(launch: Launch) -> list[str]:
    # --bind wins over places that a pounce.toml beside the application, or a variable, names (of uds and fd it says at
    # once that it cannot): they are in use, or clients of the real server would get this one.
    return [
        *[launch.app, "--bind", f"{HOST}:{launch.port}", "--workers", str(launch.workers)],
        *["--app-dir", launch.app_dir, "--no-access-log"],
    ]


def _uvicorn(launch: Launch) -> list[str]:
    return [
        *[launch.app, "--host", HOST, "--port", str(launch.port), "--workers", str(launch.workers)],
        *["--app-dir", launch.app_dir, "--no-access-log"],
    ]


def _granian(launch: Launch) -> list[str]:
    return [
        *["--interface", "asgi", "--host", HOST, "--port", str(launch.port), "--workers", str(launch.workers)],
        *["--working-dir", launch.app_dir, "--no-access-log", launch.app],
    ]


def _hypercorn(launch: Launch) -> list[str]:
    # It looks for modules in the folder that it is started in, which is the application's.
    return ["--bind", f"{HOST}:{launch.port}", "--workers", str(launch.workers), launch.app]


CONTESTANTS: Final = (
    Contestant(name="pounce", distribution="pounce-server", module="pounce", arguments=_pounce),
    Contestant(name="uvicorn", distribution="uvicorn", module="uvicorn", arguments=_uvicorn),
    Contestant(name="granian", distribution="granian", module="granian", arguments=_granian),
    Contestant(name="hypercorn", distribution="hypercorn", module="hypercorn", arguments=_hypercorn),
)


def installed() -> list[Contestant]:
    """Those that are here. Nothing is imported to find out."""
    return [one for one in CONTESTANTS if importlib.util.find_spec(one.module) is not None]


def chosen(names: tuple[str, ...]) -> list[Contestant]:
    """Those with these names, in the order of the table; without names all that are installed.

    Raises:
        ValueError: there is none of that name, or it is not installed; the message says how to get it.
    """
    here = installed()
    known = {one.name: one for one in CONTESTANTS}
    for name in names:
        if name not in known:
            raise ValueError(f"there is no server {name!r} to compare with; there are {', '.join(known)}")
        if known[name] not in here:
            raise ValueError(f"{name} is not installed: pip install {known[name].distribution}")
    return [one for one in here if not names or one.name in names]
