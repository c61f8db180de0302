"""What has to be known of a machine and an interpreter to make sense of a figure."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Cores", "Interpreter", "describe_machine", "first_line"]

PROBE_SECONDS: Final = 60

PROBE: Final = """
import importlib, importlib.metadata, json, platform, sys, sysconfig, warnings
warnings.simplefilter("ignore")
arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
versions, holds_gil = {}, []
try:
    from ssl import OPENSSL_VERSION as openssl
except ImportError:
    openssl = ""
for name, module in json.loads(sys.argv[1]).items():
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        continue
    before = getattr(sys, "_is_gil_enabled", bool)()
    importlib.import_module(module)
    if not before and getattr(sys, "_is_gil_enabled", bool)():
        holds_gil.append(name)
print(json.dumps({
    "path": sys.executable,
    "base": getattr(sys, "_base_executable", sys.executable),
    "version": platform.python_version(),
    "compiler": platform.python_compiler(),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "optimised": "--enable-optimizations" in arguments,
    "lto": "--with-lto" in arguments,
    "versions": versions,
    "holds_gil": holds_gil,
    "openssl": openssl,
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python in an environment, and what is installed there."""

    path: str
    base: str
    """The interpreter that the environment was made from."""
    version: str
    compiler: str
    free_threaded: bool
    optimised: bool
    """Built with profile-guided optimisation; without it figures are a third worse and say little."""
    lto: bool
    versions: dict[str, str]
    """Distribution -> version, of those that were asked for and are there."""
    holds_gil: list[str]
    """Those whose import switches the GIL on, on a free-threaded build."""
    openssl: str = ""
    """What its ssl was built with: ``OpenSSL 3.0.22 25 Aug 2026``."""

    @classmethod
    def probe(cls, python: str | Path, modules: dict[str, str]) -> Interpreter:
        """Ask an interpreter what it is. ``modules``: distribution -> a module of it that is imported.

        Raises:
            subprocess.SubprocessError, OSError: it does not run, or one of the modules cannot be imported.
        """
        # Not a single process for all: the first module that switches the GIL on would hide the next.
        found: Interpreter | None = None
        for only in [{name: module} for name, module in modules.items()] or [{}]:
            answer = subprocess.run(
                [python, "-I", "-c", PROBE, json.dumps(only)],
                capture_output=True,
                text=True,
                timeout=PROBE_SECONDS,
                check=True,
            )
            one = cls(**json.loads(answer.stdout.splitlines()[-1]))
            if found is None:
                found = one
            else:
                found.versions.update(one.versions)
                found.holds_gil.extend(one.holds_gil)
        assert found is not None
        return found

    @property
    def series(self) -> str:
        """``3.14t``: what results are kept under."""
        return ".".join(self.version.split(".")[:2]) + ("t" if self.free_threaded else "")

    @property
    def name(self) -> str:
        """``3.14.2t``."""
        return self.version + ("t" if self.free_threaded else "")

    @property
    def build(self) -> str:
        """How it was built: figures of different builds cannot be compared."""
        kind = ("optimised" if self.optimised else "NOT optimised") + (", LTO" if self.lto else ", no LTO")
        return f"{'free-threaded' if self.free_threaded else 'with the GIL'}, {kind}, {self.compiler}"


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the server has and which the load generator; None when there is only one for both."""

    server: int | None
    load: int | None

    @classmethod
    def choose(cls) -> Cores:
        """The first and the last core that this process may use."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(cores[0], cores[-1]) if len(cores) > 1 else cls(None, None)

    def __str__(self) -> str:
        if self.server is None:
            return "server and load generator share one core"
        return f"server on core {self.server}, load generator on core {self.load}"


def describe_machine() -> str:
    """Cores, processor, memory, kernel: one line."""
    processor = first_line(Path("/proc/cpuinfo"), "model name") or platform.machine()
    kib = (first_line(Path("/proc/meminfo"), "MemTotal") or "0").split()[0]
    cores = f"{os.cpu_count()} cores" if os.cpu_count() != 1 else "1 core"
    return f"{cores} ({processor}), {int(kib) / 2**20:.0f} GiB, {platform.system()} {platform.release()}"


def first_line(file: Path, key: str) -> str | None:
    """What follows ``key:`` in a file of such lines."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)
