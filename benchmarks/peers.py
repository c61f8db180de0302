"""The environment that the other servers are installed in: one of their own, beside the workspace's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from benchmarks.machine import Interpreter
from benchmarks.serving import ROOT
from scripts.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from benchmarks.servers import Server

__all__ = ["ENGINES", "FRAMEWORKS", "install_peers", "loud"]

FRAMEWORKS: Final = {
    "fastapi": "fastapi",
    "starlette": "starlette",
    "pydantic": "pydantic",
    "pydantic-core": "pydantic_core",
    "anyio": "anyio",
}
"""What the applications import, with a module of each. The peers get the versions that Pounce is measured with."""
ENGINES: Final = {"aioquic": "aioquic.quic.connection", "qh3": "qh3.quic.connection"}
"""What HTTP/3 is made of. A peer on the same engine has the same version of it."""


def loud(line: str) -> None:
    """Say something that nobody may overlook: a figure will be missing."""
    print(f"\n!!! {line}\n", file=sys.stderr, flush=True)


def install_peers(ours: Interpreter, servers: Iterable[Server]) -> tuple[Interpreter | None, list[Server]]:
    """Bring the peers' environment up to date for the interpreter that Pounce runs on.

    The result is that environment's interpreter and the servers that can run; for each of the others a loud line
    has said why. Only wheels are taken, because a build would need compilers.
    """
    workspace = Workspace(root=ROOT, environ=dict(os.environ))
    uv, folder = workspace.uv(), ROOT / "benchmarks" / f".venv-{ours.name}"
    environ = workspace.environ_for_commands() | {"UV_PYTHON_DOWNLOADS": "never"}
    environ.pop("VIRTUAL_ENV", None)
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", ours.base, str(folder)], env=environ, check=True)
    constraints = folder / "constraints.txt"
    pins = {name: version for name, version in ours.versions.items() if name in FRAMEWORKS}
    engines = {name: version for name, version in ours.versions.items() if name in ENGINES}
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in (pins | engines).items()))

    def install(names: Iterable[str]) -> bool:
        quiet = ["--quiet", "--only-binary", ":all:", "--constraint", str(constraints)]
        command = [uv, "pip", "install", "--python", str(python), *quiet, *names]
        return subprocess.run(command, env=environ, check=False).returncode == 0

    if pins and not install(pins):
        loud(f"The peers' environment {folder} has no FastAPI: its workloads fail there")
    there = [server for server in servers if _installed(server, python, install)]
    modules = {name: module for server in there for name, module in server.packages}
    return Interpreter.probe(python, modules | FRAMEWORKS) if there else None, there


def _installed(server: Server, python: Path, install: Callable[[Iterable[str]], bool]) -> bool:
    packages = dict(server.packages)
    if not install(packages):
        loud(f"{server.name} is left out: no wheels of {', '.join(packages)} for this Python, or no network")
        return False
    try:
        Interpreter.probe(python, packages)
    except (OSError, subprocess.SubprocessError) as error:
        loud(f"{server.name} is left out: it is installed but cannot be imported: {error}")
        return False
    return True
