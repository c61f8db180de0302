"""Test every package alone, with the lowest dependencies it allows: ``python -m scripts.package_check PYTHON DIST``.

Each wheel gets an environment of its own: first with nothing but what it needs, where all its modules are imported (a
module may miss what an extra brings, and nothing else); then with its extras and what its tests need, where the tests
of its sdist run outside the checkout. Direct dependencies are the lowest versions that pyproject.toml allows, siblings
those in DIST.

Two packages are tried at a time, those first that need most from others. ``--within SECONDS``: nothing is begun
later than that; what was not tried to the end is said last, and is no failure, unless that is all.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.packages import ROOT, Package, packages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import IO

__all__ = ["Alone", "in_order", "main", "try_all", "verdict"]

INSTALL_SECONDS: Final = 300
IMPORT_SECONDS: Final = 120
TEST_SECONDS: Final = 300
"""Nothing is learnt from a machine that is slower than that; it is said, and no failure."""
AT_A_TIME: Final = 2
"""Each waits for the network while the other one computes; more would only share two processors."""

ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "pounce-http1": ("test_cases", "test_properties"),
    "pounce-h3": ("test_link",),
    "pounce-server": ("test_process", "test_fresh_import", "test_fresh_import_frameworks", "test_library_caches"),
    "pounce-workers": ("test_process_slots", "test_supervisor"),
}
"""Tests that take long and do not depend on the version of anything: the whole suite has run them already."""

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


@dataclass(frozen=True, slots=True)
class Alone:
    """A package, and the folder in which it is tried."""

    package: Package
    members: Mapping[str, Package]
    dist: Path
    folder: Path
    output: IO[str]
    """Where goes what the programs say."""

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
        self.uv("venv", "--quiet", "--no-project", "--python", interpreter, self.folder / "environment")
        self.install_lowest()

    def install_lowest(self, *options: str) -> None:
        """Install the wheel, and what its pyproject.toml names: only that is direct to uv, not what a wheel needs."""
        wheel = f"{self.package.name} @ {(self.dist / self.package.files_built[0]).as_uri()}"
        self.install(*LOWEST, "--requirements", self.source / "pyproject.toml", *options, wheel)

    def install(self, *what: str | Path) -> None:
        self.uv("pip", "install", "--quiet", "--python", self.python, "--constraints", self.siblings, *what)

    def import_everything(self) -> None:
        arguments = [self.package.import_name, json.dumps(self.optional)]
        self.run("-W", "error", "-c", IMPORT_ALL, *arguments, seconds=IMPORT_SECONDS)

    def install_for_tests(self) -> None:
        """Add the extras, the lowest too, then what its tests need: as new as goes with that."""
        self.install_lowest("--all-extras")
        kept = self.folder / "kept.txt"
        listed = self.uv("pip", "freeze", "--quiet", "--python", self.python, "--exclude-editable", captured=True)
        pinned = [line for line in listed.splitlines() if "==" in line]
        print("   ", *pinned, file=self.output, flush=True)
        kept.write_text("".join(f"{line}\n" for line in pinned))
        self.install("--constraints", kept, "--group", f"{self.source / 'pyproject.toml'}:test")
        self.uv("pip", "check", "--quiet", "--python", self.python)

    def test(self, options: Sequence[str]) -> None:
        left_out = [f"--ignore=tests/{name}.py" for name in ELSEWHERE.get(self.package.name, ())]
        # A place of its own: pytest cleans up what others of its kind left, and warns when somebody else is faster.
        place = f"--basetemp={self.folder / 'tmp'}"
        self.run("-m", "pytest", "-q", place, *left_out, *options, folder=self.source)

    def run(self, *arguments: str, folder: Path | None = None, seconds: float = TEST_SECONDS) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environ["VIRTUAL_ENV"] = str(self.folder / "environment")
        environ["PATH"] = os.pathsep.join([str(self.python.parent), environ.get("PATH", os.defpath)])
        command: list[str | Path] = [self.python, *arguments]
        where, out = folder or self.folder, self.output
        subprocess.run(command, cwd=where, env=environ, stdout=out, stderr=out, check=True, timeout=seconds)

    def uv(self, *arguments: str | Path, captured: bool = False) -> str:
        """Run uv; what it printed is the result when it is ``captured``."""
        command = [sys.executable, ROOT / "scripts" / "workspace.py", "uv", *arguments]
        out = subprocess.PIPE if captured else self.output
        done = subprocess.run(command, stdout=out, stderr=self.output, text=True, check=True, timeout=INSTALL_SECONDS)
        return done.stdout or ""


def in_order(members: Mapping[str, Package], names: Sequence[str]) -> list[str]:
    """Those first that need most from others: there the lowest versions matter."""

    def from_elsewhere(name: str) -> int:
        needed = {one.name for one in members[name].requirements}
        near = [members[one] for one in needed | {name} if one in members]
        return len({one.name for package in near for one in package.requirements} - members.keys())

    return sorted(names, key=lambda name: (-from_elsewhere(name), name))


def check(package: Package, members: Mapping[str, Package], options: argparse.Namespace) -> tuple[bool | None, str]:
    """Try one package: whether it works, None if it took too long to tell, and what was said."""
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(
            prefix="alone-"
        ) as temporary,  # short: names of UNIX sockets have 108 bytes at most
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output,
    ):
        alone = Alone(package, members, options.dist.resolve(), Path(temporary), output)
        error: subprocess.SubprocessError | None = None
        try:
            alone.unpack()
            alone.install_alone(options.python)
            alone.import_everything()
            alone.install_for_tests()
            alone.test(options.pytest.split())
        except subprocess.SubprocessError as failure:
            error = failure
        output.seek(0)
        said = output.read().rstrip()
    verdict = f"FAILED: {error}" if error else "works alone, with the lowest versions it allows"
    well = None if isinstance(error, subprocess.TimeoutExpired) else error is None
    return well, f"{said}\n--- {package.name} {verdict} ({time.monotonic() - begun:.0f} s)"


def try_all(names: Sequence[str], attempt: Callable[[str], bool | None], within: float) -> dict[str, bool | None]:
    """Name -> whether the attempt went well; None for what was not begun within so many seconds."""
    deadline = time.monotonic() + within

    def one(name: str) -> bool | None:
        return attempt(name) if time.monotonic() < deadline else None

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def parse(arguments: Sequence[str], members: Mapping[str, Package]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.package_check", description=__doc__)
    parser.add_argument("python", metavar="PYTHON")
    parser.add_argument("dist", type=Path, metavar="DIST")
    parser.add_argument("--packages", nargs="+", choices=members, default=list(members), metavar="PACKAGE")
    parser.add_argument("--pytest", default="", help="further options of pytest, in one string: --pytest=-x")
    parser.add_argument("--within", type=float, default=float("inf"), metavar="SECONDS", help="begin nothing later")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    members = packages()
    options = parse(arguments, members)

    def attempt(name: str) -> bool | None:
        well, said = check(members[name], members, options)
        print(said, flush=True)
        return well

    print(f"each package alone, with the lowest versions, on {options.python}", flush=True)
    tried = try_all(in_order(members, options.packages), attempt, options.within)
    return verdict(tried, os.environ)


def verdict(tried: Mapping[str, bool | None], environ: Mapping[str, str]) -> int:
    """Say what they came to, what was not tried last and loudest; returns the exit code.

    A slow machine is no fault of a change. But a step that tried nothing has shown nothing.
    """
    late, failed, well = ([name for name, how in tried.items() if how is sought] for sought in (None, False, True))
    print(f"{len(well)} of {len(tried)} packages work alone, with the lowest versions that they allow", flush=True)
    for name in late:
        print(f"=== NOT TRIED TO THE END, for want of time: {name} alone", file=sys.stderr)
        if environ.get("GITHUB_ACTIONS"):  # shown beside the run's result, which says that all is well
            print(f"::warning title=package not tried::{name} was not tried alone, for want of time", flush=True)
    if late:
        print("=== a quicker machine, or 'make package-check', has to show that these work", file=sys.stderr)
    if failed:
        print(f"--- these do not work alone with the lowest versions they allow: {', '.join(failed)}", file=sys.stderr)
    if not well:
        print("--- there is none that was tried to the end and works", file=sys.stderr)
    return 1 if failed or not well else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
