"""The servers and how each is started with one worker: one table."""

from __future__ import annotations

import enum
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HOST", "SERVERS", "Launch", "Mode", "Server", "find_program"]

HOST: Final = "127.0.0.1"


class Mode(enum.Enum):
    """How a server is set up."""

    QUIET = "quiet"
    """No access log."""
    DEFAULTS = "defaults"
    """As it comes, with its access log on, written to a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a command is made from."""

    python: str
    """The interpreter of the environment that the server is installed in."""
    app: str
    port: int
    mode: Mode
    folder: Path
    """A folder for files that the server needs, removed afterwards."""

    @property
    def quiet(self) -> bool:
        return self.mode is Mode.QUIET


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One of those compared."""

    name: str
    command: Callable[[Launch], list[str]]
    packages: tuple[tuple[str, str], ...] = ()
    """Distributions to install, with a module of each that shows that it can be imported."""
    ours: bool = False
    """It runs from the environment of the workspace."""
    program: str = ""
    """It is not Python but this program."""
    note: str = ""


def pounce(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "pounce", launch.app, "--host", HOST, "--port", str(launch.port)],
        *(["--no-access-log"] if launch.quiet else []),
    ]


def uvicorn(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "uvicorn", launch.app, "--host", HOST, "--port", str(launch.port)],
        *["--loop", "uvloop", "--http", "httptools"],
        *(["--no-access-log"] if launch.quiet else []),
    ]


def granian(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "granian", "--interface", "asgi", "--host", HOST, "--port", str(launch.port)],
        *["--loop", "uvloop", "--no-access-log" if launch.quiet else "--access-log", launch.app],
    ]


def hypercorn(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "hypercorn", "--bind", f"{HOST}:{launch.port}", "-k", "uvloop"],
        *([] if launch.quiet else ["--access-logfile", "-"]),
        launch.app,
    ]


def fastpysgi(launch: Launch) -> list[str]:
    script = Path(launch.python).parent / "fastpysgi"
    return [launch.python, str(script), launch.app, "--host", HOST, "--port", str(launch.port)]


NGINX_CONFIGURATION: Final = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log {access_log};
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} backlog=2048;
        location / {{ default_type text/plain; return 200 "Hello, world!"; }}
    }}
}}
"""


def nginx(launch: Launch) -> list[str]:
    file = launch.folder / "nginx.conf"
    access_log = "off" if launch.quiet else f"{launch.folder}/access.log"
    file.write_text(
        NGINX_CONFIGURATION.format(folder=launch.folder, access_log=access_log, host=HOST, port=launch.port)
    )
    return [find_program("nginx") or "nginx", "-e", "stderr", "-p", str(launch.folder), "-c", str(file)]


UVLOOP: Final = ("uvloop", "uvloop")

_ALL: Final = (
    Server(name="pounce", command=pounce, packages=(("pounce-server", "pounce"),), ours=True),
    Server(
        name="uvicorn",
        command=uvicorn,
        packages=(("uvicorn", "uvicorn"), UVLOOP, ("httptools", "httptools")),
        note="with uvloop and httptools",
    ),
    Server(name="granian", command=granian, packages=(("granian", "granian._granian"), UVLOOP), note="with uvloop"),
    Server(name="hypercorn", command=hypercorn, packages=(("hypercorn", "hypercorn"), UVLOOP), note="with uvloop"),
    Server(name="fastpysgi", command=fastpysgi, packages=(("fastpysgi", "fastpysgi"),), note="it has no access log"),
    Server(name="nginx", command=nginx, program="nginx", note="no application: return 200"),
)

SERVERS: Final = {server.name: server for server in _ALL}


def find_program(name: str) -> str | None:
    """The path of a program; the folders of system programs count too, which are not on everybody's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return shutil.which(name, path=path)
