"""Prepare this checkout and run commands in it; all that it needs is Python 3.11, pip and PyPI.

Three things are decided here and nowhere else: where uv comes from (PATH, else PyPI into ``.uv/``), which interpreter
is used, and that uv never downloads one behind our back. The environment is ``.venv``, or what
``UV_PROJECT_ENVIRONMENT`` names.

    workspace.py sync                         bring the environment up to date
    workspace.py run COMMAND [ARGUMENT ...]   run COMMAND from the environment, as if it had been activated
    workspace.py uv [ARGUMENT ...]            run uv with the interpreter chosen here
    workspace.py interpreter                  print the path of that interpreter

The interpreter is the first of: ``PYTHON=...``; ``python3.14t`` on PATH; a free-threaded 3.14 that uv has or can
download (tried once, the answer is kept in ``.uv/``); any Python from 3.11 on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent

OLDEST_PYTHON: Final = (3, 11)
OLDEST_UV: Final = (0, 8)
"""Older releases do not know all that pyproject.toml and the commands below ask for."""

FREE_THREADED: Final = "python3.14t"
ORDINARY: Final = ("python3", "python3.14", "python3.13", "python3.12", "python3.11", "python")

PROBE_SECONDS: Final = 30
"""An interpreter that does not print its version by then hangs; a cold disk takes a few seconds."""

DOWNLOAD_SECONDS: Final = 240
"""About 30 MB: enough at 1 Mbit/s, and short enough for somebody who waits for it."""

SILENCE_SECONDS: Final = 15
"""How long a download may stand still, which is also how long a machine without a way out waits."""

PROBE: Final = (
    "import json, sys, sysconfig; print(json.dumps([sys.executable, sys.version_info[:3], "
    "bool(sysconfig.get_config_var('Py_GIL_DISABLED'))]))"
)


class WorkspaceError(Exception):
    """Something that the person at the keyboard has to mend; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that was run and answered."""

    path: str
    version: tuple[int, ...]
    free_threaded: bool

    def __str__(self) -> str:
        return ".".join(map(str, self.version)) + ("t" if self.free_threaded else "")


def say(line: str) -> None:
    """Tell the person; standard output belongs to the command that is run."""
    print(f"workspace: {line}", file=sys.stderr, flush=True)


def probe(command: str | Path) -> Interpreter | None:
    """Run an interpreter and ask it what it is; None when it does not run (a pyenv shim may not) or is too old."""
    try:
        answer = subprocess.run(
            [command, "-I", "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True
        )
        path, version, free_threaded = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    found = Interpreter(path=path, version=tuple(version), free_threaded=free_threaded)
    return found if found.version[:2] >= OLDEST_PYTHON else None


def every_on_path(name: str, path: str) -> Iterator[str]:
    """All executables of that name, in the order of PATH: the first may be a shim for something not installed."""
    for folder in path.split(os.pathsep):
        # An empty entry means the current folder to a shell; nobody wants a Python from there.
        if folder and (found := shutil.which(name, path=folder)):
            yield found


def first_that_runs(names: Sequence[str], path: str) -> Interpreter | None:
    candidates = (probe(candidate) for name in names for candidate in every_on_path(name, path))
    return next((found for found in candidates if found), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A checkout and the environment variables that it is used with."""

    root: Path
    environ: Mapping[str, str]

    @property
    def local(self) -> Path:
        """What belongs to this checkout on this machine alone: uv, its interpreter, what was learnt. Git ignores it."""
        return self.root / ".uv"

    @property
    def memory(self) -> Path:
        """Holds the path of the free-threaded interpreter that uv gave, or nothing when it could not."""
        return self.local / "free-threaded"

    @property
    def environment(self) -> Path:
        return self.root / self.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")

    @property
    def path(self) -> str:
        return self.environ.get("PATH", os.defpath)

    def uv(self) -> str:
        """The path of a uv that is new enough, installed from PyPI when there is none."""
        local = [str(self.local / folder / name) for folder in ("bin", "Scripts") for name in ("uv", "uv.exe")]
        for candidate in (*every_on_path("uv", self.path), *local):
            if uv_version(candidate) >= OLDEST_UV:
                return candidate
        say(f"no uv on PATH; installing it from PyPI into {self.local}")
        self.install_uv()
        for candidate in local:
            if uv_version(candidate) >= OLDEST_UV:
                return candidate
        raise WorkspaceError(f"pip installed uv into {self.local}, but it does not run on this machine")

    def install_uv(self) -> None:
        # --target and nothing else: Debian's Python is externally managed, and nobody's own packages are touched.
        quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
        wanted = f"uv>={'.'.join(map(str, OLDEST_UV))}"
        command = [*pip_command(self.path), "install", *quiet, "--upgrade", "--target", str(self.local), wanted]
        done = subprocess.run(command, env=dict(self.environ), check=False)
        if done.returncode != 0:
            raise WorkspaceError("pip could not install uv (its output is above); install uv yourself and try again")

    def interpreter(self) -> Interpreter:
        """Choose the interpreter; see the top of this file for the order."""
        if wanted := self.environ.get("PYTHON"):
            return self.wanted_interpreter(wanted)
        if found := first_that_runs([FREE_THREADED], self.path) or self.interpreter_of_uv():
            return found
        if not (found := first_that_runs(ORDINARY, self.path) or probe(sys.executable)):
            raise WorkspaceError("no Python from 3.11 on was found; install one, or name it: make ... PYTHON=/path")
        if not found.free_threaded:
            say(f"Python {found} has a GIL, so several workers will be processes; {FREE_THREADED} on PATH: threads")
        return found

    def wanted_interpreter(self, wanted: str) -> Interpreter:
        found = first_that_runs([wanted], self.path) if os.sep not in wanted else probe(self.root / wanted)
        if not found:
            raise WorkspaceError(f"PYTHON={wanted} is not a Python from 3.11 on that runs here")
        return found

    def interpreter_of_uv(self) -> Interpreter | None:
        """A free-threaded Python that uv has or can get. Asked once: later calls read the answer."""
        if self.memory.exists():
            remembered = self.memory.read_text().strip()
            return probe(remembered) if remembered else None
        found = self.ask_uv_for_python()
        self.local.mkdir(exist_ok=True)
        self.memory.write_text(f"{found.path}\n" if found else "")
        if not found:
            say(f"uv could not get one; remove {self.memory} to ask again")
        return found

    def ask_uv_for_python(self) -> Interpreter | None:
        uv = self.uv()
        if found := self.find_with_uv(uv, dict(self.environ)):
            return found
        say(f"asking uv for a free-threaded Python (once, at most {DOWNLOAD_SECONDS} s)")
        limits = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": str(SILENCE_SECONDS)}
        limits["UV_HTTP_CONNECT_TIMEOUT"] = str(SILENCE_SECONDS)
        own = {**self.environ, **limits, "UV_PYTHON_INSTALL_DIR": str(self.local / "python")}
        install = [uv, "python", "install", "--no-bin", "--quiet", "3.14t"]
        try:
            # What uv says of a failure would only alarm: it is no failure that there is none.
            subprocess.run(install, env=own, cwd=self.root, timeout=DOWNLOAD_SECONDS, check=True, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return self.find_with_uv(uv, own)

    def find_with_uv(self, uv: str, environ: Mapping[str, str]) -> Interpreter | None:
        # --system: not the one in .venv, whose own interpreter may be gone tomorrow.
        command = [uv, "python", "find", "--system", "--no-project", "3.14t"]
        never = {**environ, "UV_PYTHON_DOWNLOADS": "never"}
        try:
            answer = subprocess.run(
                command, env=never, cwd=self.root, timeout=PROBE_SECONDS, check=True, capture_output=True, text=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        found = probe(answer.stdout.strip())
        return found if found and found.free_threaded else None

    def environ_for_uv(self, interpreter: Interpreter) -> dict[str, str]:
        """What every later call of uv sees: our interpreter, no download, no compiler."""
        given = {name: value for name, value in self.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
        given["UV_PROJECT_ENVIRONMENT"] = str(self.environment)
        return given | {"UV_PYTHON": interpreter.path, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_BUILD": "1"}

    def sync(self, interpreter: Interpreter) -> None:
        """Bring the environment up to date: all packages of the workspace, editable, and the tools."""
        environ = self.environ_for_uv(interpreter)
        done = subprocess.run([self.uv(), "sync", "--quiet"], env=environ, cwd=self.root, check=False)
        if done.returncode != 0:
            hint = "(its output is above; certificates of your network's own: UV_SYSTEM_CERTS=1 make ...)"
            raise WorkspaceError(f"uv could not prepare {self.environment} for Python {interpreter} {hint}")

    def environ_for_commands(self) -> dict[str, str]:
        scripts = self.environment / ("Scripts" if os.name == "nt" else "bin")
        given = {name: value for name, value in self.environ.items() if name != "PYTHONHOME"}
        return given | {"VIRTUAL_ENV": str(self.environment), "PATH": os.pathsep.join([str(scripts), self.path])}


def uv_version(command: str) -> tuple[int, ...]:
    """The version that a uv reports, (0,) when it does not run."""
    try:
        answer = subprocess.run(
            [command, "--version"], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True
        )
        return tuple(int(part) for part in answer.stdout.split()[1].split(".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return (0,)


def pip_command(path: str) -> list[str]:
    """How to call pip: as a module of this Python, else as a command."""
    module = [sys.executable, "-m", "pip"]
    commands = ([found] for name in ("pip3", "pip") for found in every_on_path(name, path))
    for candidate in (module, *commands):
        try:
            subprocess.run([*candidate, "--version"], capture_output=True, timeout=PROBE_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        return candidate
    raise WorkspaceError(
        f"neither uv nor pip is here: {sys.executable} has no module pip; "
        "install python3-pip (or python3 -m ensurepip), or put uv on PATH"
    )


def run_in(workspace: Workspace, command: Sequence[str]) -> int:
    """Run a command from the environment; the result is its exit code."""
    environ = workspace.environ_for_commands()
    program = shutil.which(command[0], path=environ["PATH"])
    if program is None:
        raise WorkspaceError(f"there is no command {command[0]!r} in {workspace.environment} or on PATH")
    sys.stdout.flush()
    if os.name == "posix":
        # In our place, so that signals and the terminal reach the command itself.
        os.execve(program, [program, *command[1:]], environ)
    return subprocess.run([program, *command[1:]], env=environ, check=False).returncode


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    workspace = Workspace(root=ROOT, environ=dict(environ))
    try:
        match list(arguments):
            case ["sync"]:
                workspace.sync(workspace.interpreter())
            case ["run", _, *_]:
                return run_in(workspace, arguments[1:])
            case ["uv", *rest]:
                environ_for_uv = workspace.environ_for_uv(workspace.interpreter())
                return subprocess.run([workspace.uv(), *rest], env=environ_for_uv, check=False).returncode
            case ["interpreter"]:
                print(workspace.interpreter().path)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except WorkspaceError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
