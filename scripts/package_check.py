"""Test every package alone, with the lowest dependencies it allows: ``python -m scripts.package_check PYTHON DIST``.

Each wheel gets an environment of its own: first with nothing but what it needs, where all its modules are imported (a
module may miss what an extra brings, and nothing else); then with its extras and what its tests need, where the tests
of its sdist run outside the checkout. Direct dependencies are the lowest versions that pyproject.toml allows, siblings
those in DIST.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.packages import ROOT, Package, packages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Alone", "main"]

INSTALL_SECONDS: Final = 300
IMPORT_SECONDS: Final = 120
TEST_SECONDS: Final = 600

LOWEST: Final = ("--resolution", "lowest-direct", "--only-binary", ":all:")

IMPORT_ALL: Final = """
import importlib, json, pkgutil, sys
root, optional = sys.argv[1], set(json.loads(sys.argv[2]))
package = importlib.import_module(root)
names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{root}.", onerror=lambda name: None)]
for name in names:
    try:
        name.endswith("__main__") or importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in optional:
            raise
"""

MODULES: Final[Mapping[str, str]] = {"python-dotenv": "dotenv", "pyyaml": "yaml", "pounce-server": "pounce"}
"""Distributions whose module has another name than they have."""


def module_of(distribution: str) -> str:
    """What is imported of a distribution."""
    if distribution.startswith("opentelemetry-"):
        return "opentelemetry"
    return MODULES.get(distribution, distribution.replace("-", "_"))


def uv(*arguments: str | Path) -> None:
    command = [sys.executable, ROOT / "scripts" / "workspace.py", "uv", *arguments]
    subprocess.run(command, check=True, timeout=INSTALL_SECONDS)


@dataclass(frozen=True, slots=True)
class Alone:
    """A package, and the folder in which it is tried."""

    package: Package
    members: Mapping[str, Package]
    dist: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "environment" / "bin" / "python"

    @property
    def siblings(self) -> Path:
        """Constraints: what is ours comes from DIST, whatever version an index has."""
        file = self.folder / "siblings.txt"
        wheels = ((name, (self.dist / member.files_built[0]).as_uri()) for name, member in self.members.items())
        file.write_text("".join(f"{name} @ {uri}\n" for name, uri in wheels))
        return file

    @property
    def optional(self) -> list[str]:
        """The modules that it works without: what an extra brings, or another interpreter needs."""
        always = {one.name for one in self.package.dependencies if not one.marker} | {self.package.name}
        needed = {one.name for one in self.package.requirements}
        # An extra of an extra, as pounce-server[metrics] -> pounce-observability[metrics] -> prometheus-client.
        deeper = {one.name for name in needed if name in self.members for one in self.members[name].requirements}
        # Fixtures are only imported where there is a pytest to ask for them.
        return sorted({module_of(name) for name in (needed | deeper) - always} | {"pytest"})

    @property
    def source(self) -> Path:
        return self.folder / self.package.files_built[1].removesuffix(".tar.gz")

    def unpack(self) -> None:
        """Take the sdist, which has the tests, apart. Its ``src`` is on no path: the wheel is what is tested."""
        with tarfile.open(self.dist / self.package.files_built[1]) as sdist:
            sdist.extractall(self.folder, filter="data")

    def install_alone(self, interpreter: str) -> None:
        uv("venv", "--quiet", "--no-project", "--python", interpreter, self.folder / "environment")
        self.install_lowest()

    def install_lowest(self, *options: str) -> None:
        """Install the wheel, and what its pyproject.toml names: only that is direct to uv, not what a wheel needs."""
        wheel = f"{self.package.name} @ {(self.dist / self.package.files_built[0]).as_uri()}"
        self.install(*LOWEST, "--requirements", self.source / "pyproject.toml", *options, wheel)

    def install(self, *what: str | Path) -> None:
        uv("pip", "install", "--quiet", "--python", self.python, "--constraints", self.siblings, *what)

    def import_everything(self) -> None:
        arguments = [self.package.import_name, json.dumps(self.optional)]
        self.run("-W", "error", "-c", IMPORT_ALL, *arguments, seconds=IMPORT_SECONDS)

    def install_for_tests(self) -> None:
        """Add the extras, the lowest too, then what its tests need: as new as goes with that."""
        self.install_lowest("--all-extras")
        kept = self.folder / "kept.txt"
        freeze = ["pip", "freeze", "--quiet", "--python", str(self.python), "--exclude-editable"]
        listed = subprocess.run(
            [sys.executable, ROOT / "scripts" / "workspace.py", "uv", *freeze],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        ).stdout
        print("   ", " ".join(line for line in listed.split("\n") if "==" in line), flush=True)
        kept.write_text("".join(f"{line}\n" for line in listed.splitlines() if "==" in line))
        self.install("--constraints", kept, "--group", f"{self.source / 'pyproject.toml'}:test", "pytest-xdist")
        uv("pip", "check", "--quiet", "--python", self.python)

    def test(self, options: Sequence[str]) -> None:
        # Three processes for two processors: many tests wait.
        processes = str((os.cpu_count() or 1) * 3 // 2)
        self.run("-m", "pytest", "-q", "-n", processes, "--dist", "worksteal", *options, folder=self.source)

    def run(self, *arguments: str, folder: Path | None = None, seconds: float = TEST_SECONDS) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environ["VIRTUAL_ENV"] = str(self.folder / "environment")
        environ["PATH"] = os.pathsep.join([str(self.python.parent), environ.get("PATH", os.defpath)])
        subprocess.run([self.python, *arguments], cwd=folder or self.folder, env=environ, check=True, timeout=seconds)


def check(alone: Alone, interpreter: str, options: Sequence[str]) -> None:
    alone.unpack()
    alone.install_alone(interpreter)
    alone.import_everything()
    alone.install_for_tests()
    alone.test(options)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.package_check", description=__doc__)
    parser.add_argument("python", metavar="PYTHON")
    parser.add_argument("dist", type=Path, metavar="DIST")
    members = packages()
    parser.add_argument("--packages", nargs="+", choices=members, default=list(members), metavar="PACKAGE")
    parser.add_argument("--pytest", default="", help="further options of pytest, in one string")
    options = parser.parse_args(arguments)
    failed = []
    for name in options.packages:
        print(f"--- {name} alone, with the lowest versions, on {options.python}", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"{name}-alone-") as temporary:
            alone = Alone(members[name], members, options.dist.resolve(), Path(temporary))
            try:
                check(alone, options.python, options.pytest.split())
            except subprocess.SubprocessError as error:
                print(f"--- {name} FAILED: {error}", file=sys.stderr)
                failed.append(name)
    if failed:
        print(f"--- these do not work alone with the lowest versions they allow: {', '.join(failed)}", file=sys.stderr)
        return 1
    print(f"{len(options.packages)} packages: each works alone, with the lowest versions it allows")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
