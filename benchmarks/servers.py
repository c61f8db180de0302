"""The servers and how each is started with one worker: one table."""

from __future__ import annotations

import enum
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.wires import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.certificate import CertificateFiles

__all__ = ["HOST", "SERVERS", "Launch", "Mode", "Server", "ServerError", "find_program"]

HOST: Final = "127.0.0.1"


class ServerError(Exception):
    """A server did not start, did not answer as it has to, or ended in the middle."""


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
    wire: Wire = Wire.HTTP
    certificate: CertificateFiles | None = None
    """What a wire with TLS needs."""

    @property
    def quiet(self) -> bool:
        return self.mode is Mode.QUIET

    def tls(self, certificate: str, key: str) -> list[str]:
        """The two options that name the files, under the names that the server has for them; none without TLS."""
        if self.certificate is None:
            return []
        return [certificate, str(self.certificate.certificate), key, str(self.certificate.key)]


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
    wires: frozenset[Wire] = frozenset({Wire.HTTP})
    """What it is measured with."""
    note: str = ""


def pounce(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "pounce", launch.app, "--host", HOST, "--port", str(launch.port)],
        *(["--quic-bind", f"{HOST}:{launch.port}"] if launch.wire is Wire.H3 else []),
        *(["--no-access-log"] if launch.quiet else []),
        *launch.tls("--ssl-certfile", "--ssl-keyfile"),
    ]


def uvicorn(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "uvicorn", launch.app, "--host", HOST, "--port", str(launch.port)],
        *["--loop", "uvloop"],
        *(["--http", "zttp", "--http2"] if launch.wire.http2 else ["--http", "httptools"]),
        # What it takes by itself where the library websockets is installed.
        *(["--ws", "websockets-sansio"] if launch.wire is Wire.WEBSOCKET else []),
        *(["--no-access-log"] if launch.quiet else []),
        *launch.tls("--ssl-certfile", "--ssl-keyfile"),
    ]


def uvicorn_websockets(launch: Launch) -> list[str]:
    """The older of its two implementations that use the library websockets."""
    return [*uvicorn(launch), "--ws", "websockets"]


def granian(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "granian", "--interface", "asgi", "--host", HOST, "--port", str(launch.port)],
        *["--loop", "uvloop", "--no-access-log" if launch.quiet else "--access-log"],
        *(["--http", "2"] if launch.wire.http2 else []),
        *launch.tls("--ssl-certificate", "--ssl-keyfile"),
        launch.app,
    ]


def hypercorn(launch: Launch) -> list[str]:
    return [
        *[launch.python, "-m", "hypercorn", "--bind", f"{HOST}:{launch.port}", "-k", "uvloop"],
        *(["--quic-bind", f"{HOST}:{launch.port}"] if launch.wire is Wire.H3 else []),
        *(_hypercorn_over_http2(launch) if launch.wire.http2 else []),
        *([] if launch.quiet else ["--access-logfile", "-"]),
        *launch.tls("--certfile", "--keyfile"),
        launch.app,
    ]


def _hypercorn_over_http2(launch: Launch) -> list[str]:
    """It closes a connection after 1000 requests; h2load makes no other in its place."""
    file = launch.folder / "hypercorn.toml"
    file.write_text("keep_alive_max_requests = 1000000000\n")
    return ["--config", str(file)]


def fastpysgi(launch: Launch) -> list[str]:
    script = Path(launch.python).parent / "fastpysgi"
    return [
        *[launch.python, str(script), launch.app, "--host", HOST, "--port", str(launch.port)],
        *launch.tls("--certfile", "--keyfile"),
    ]


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
        listen {host}:{port}{parameters} backlog=2048;{tls}
        location / {{ default_type text/plain; return 200 "Hello, world!"; }}
    }}
}}
"""


def nginx(launch: Launch) -> list[str]:
    file = launch.folder / "nginx.conf"
    tls = launch.tls("ssl_certificate", "ssl_certificate_key")
    directives = [f"{name} {value};" for name, value in zip(tls[::2], tls[1::2], strict=True)]
    file.write_text(
        NGINX_CONFIGURATION.format(
            folder=launch.folder,
            access_log="off" if launch.quiet else f"{launch.folder}/access.log",
            host=HOST,
            port=launch.port,
            parameters=(" ssl" if launch.wire.secure else "") + (" http2" if launch.wire.http2 else ""),
            tls="".join(f"\n        {directive}" for directive in directives),
        )
    )
    return [find_program("nginx") or "nginx", "-e", "stderr", "-p", str(launch.folder), "-c", str(file)]


UVLOOP: Final = ("uvloop", "uvloop")
HTTP1: Final = frozenset({Wire.HTTP, Wire.TLS})
HTTP2: Final = frozenset({Wire.H2C, Wire.H2})
HYPERCORN: Final = (("hypercorn", "hypercorn"), UVLOOP)

_ALL: Final = (
    Server(name="pounce", command=pounce, packages=(("pounce-server", "pounce"),), ours=True, wires=frozenset(Wire)),
    Server(
        name="uvicorn",
        command=uvicorn,
        packages=(("uvicorn", "uvicorn"), UVLOOP, ("httptools", "httptools"), ("websockets", "websockets")),
        wires=HTTP1 | {Wire.WEBSOCKET},
        note="with uvloop, httptools and --ws websockets-sansio, its default",
    ),
    Server(
        name="granian",
        command=granian,
        packages=(("granian", "granian._granian"), UVLOOP),
        wires=frozenset(Wire) - {Wire.H3},
        note="with uvloop",
    ),
    Server(
        name="hypercorn",
        command=hypercorn,
        packages=HYPERCORN,
        wires=frozenset(Wire) - {Wire.H3},
        note="with uvloop",
    ),
    # By itself, too: there is no wheel of aioquic for free-threaded builds.
    Server(
        name="hypercorn-h3",
        command=hypercorn,
        packages=(*HYPERCORN, ("aioquic", "aioquic.quic.connection")),
        wires=frozenset({Wire.H3}),
        note="with uvloop and aioquic",
    ),
    Server(
        name="uvicorn-ws",
        command=uvicorn_websockets,
        packages=(("uvicorn", "uvicorn"), UVLOOP, ("websockets", "websockets")),
        wires=frozenset({Wire.WEBSOCKET}),
        note="with uvloop and --ws websockets, which was its default once",
    ),
    # A server by itself: httptools is what uvicorn is known for, and where there is no zttp that is no reason to
    # leave uvicorn out.
    Server(
        name="uvicorn-zttp",
        command=uvicorn,
        packages=(("uvicorn", "uvicorn"), UVLOOP, ("zttp", "zttp")),
        wires=HTTP2,
        note="with uvloop",
    ),
    Server(
        name="fastpysgi",
        command=fastpysgi,
        packages=(("fastpysgi", "fastpysgi"),),
        wires=HTTP1,
        note="it has no access log",
    ),
    Server(name="nginx", command=nginx, program="nginx", wires=HTTP1 | HTTP2, note="no application: return 200"),
)

SERVERS: Final = {server.name: server for server in _ALL}


def find_program(name: str) -> str | None:
    """The path of a program; the folders of system programs count too, which are not on everybody's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return shutil.which(name, path=path)
