"""Build wheels and sdists: ``python -m scripts.dist [--packages PACKAGE ...] [--out-dir dist] [--twice]``.

The same commit gives the same bytes on every machine: the times in the archives are SOURCE_DATE_EPOCH (if it is not
set, that of the commit), the build backend and what it needs are pinned in build-constraints.txt, and wheels are built
from the sdists, so that nothing can get into them past those. ``--twice`` shows it: everything is built again from a
copy at another place, of other files' ages and with another umask, and compared by SHA-256.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.packages import ROOT, packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scripts.packages import Package

__all__ = ["commit_time", "copy_checkout", "digests", "main", "missing_files"]

WORKSPACE: Final = ROOT / "scripts" / "workspace.py"
CONSTRAINTS: Final = ROOT / "scripts" / "build-constraints.txt"
BUILD_SECONDS: Final = 300
AT_A_TIME: Final = os.cpu_count() or 1
GIT_SECONDS: Final = 30

SOMETIME: Final = 981_173_106
"""A day in 2001: the age that files have in the copy, where an archive must not show it."""
OWNER_ONLY: Final = 0o077
"""The umask there: modes of files must not reach the archives either."""

PROMISED: Final = ("/py.typed", "/licenses/LICENSE", "/METADATA")


def commit_time(root: Path) -> str | None:
    """Seconds since 1970 of the commit that is checked out; None outside a repository."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def build(root: Path, out: Path, names: Iterable[str], epoch: str | None) -> None:
    """Build the packages of a checkout, each its sdist and from that its wheel."""
    environ = dict(os.environ) | ({"SOURCE_DATE_EPOCH": epoch} if epoch else {})
    pinned = ["--build-constraints", str(CONSTRAINTS), "--require-hashes"]

    def build_one(name: str) -> None:
        target = ["--package", name, "--out-dir", str(out), "--no-create-gitignore"]
        command = [sys.executable, str(WORKSPACE), "uv", "build", "--quiet", *pinned, *target]
        subprocess.run(command, cwd=root, env=environ, check=True, timeout=BUILD_SECONDS)

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(build_one, names))


def copy_checkout(root: Path, to: Path) -> None:
    """Copy what builds need, as it would be on another machine."""
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")
    for name in ("packages", "scripts"):
        shutil.copytree(root / name, to / name, ignore=ignored)
    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(root / name, to / name)
    for path in to.rglob("*"):
        os.utime(path, (SOMETIME, SOMETIME))


def digests(dist: Path) -> dict[str, str]:
    """File -> SHA-256, of all archives."""
    archives = sorted((*dist.glob("*.whl"), *dist.glob("*.tar.gz")))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in archives}


def missing_files(package: Package, dist: Path) -> list[str]:
    """What the wheel of a package lacks, or has though it should not."""
    with zipfile.ZipFile(dist / package.files_built[0]) as wheel:
        names = wheel.namelist()
    lacks = [f"lacks {promised}" for promised in PROMISED if not any(name.endswith(promised) for name in names)]
    own = (f"{package.import_name}/", f"{package.files_built[0].removesuffix('-py3-none-any.whl')}.dist-info/")
    return lacks + [f"has {name}" for name in names if not name.startswith(own)]


def differences(once: Mapping[str, str], again: Mapping[str, str]) -> list[str]:
    """The files that are not the same, or not there, in both."""
    return sorted(name for name in once.keys() | again.keys() if once.get(name) != again.get(name))


def build_again(out: Path, names: Sequence[str], epoch: str | None) -> list[str]:
    """Build from a copy elsewhere; the result are the files that differ."""
    with tempfile.TemporaryDirectory(prefix="pounce-dist-") as temporary:
        before = os.umask(OWNER_ONLY)
        try:
            copy_checkout(ROOT, Path(temporary) / "elsewhere")
            build(Path(temporary) / "elsewhere", Path(temporary) / "dist", names, epoch)
        finally:
            os.umask(before)
        return differences(digests(out), digests(Path(temporary) / "dist"))


def main(arguments: Sequence[str]) -> int:
    members = packages()
    parser = argparse.ArgumentParser(prog="python -m scripts.dist", description=__doc__)
    parser.add_argument("--packages", nargs="+", choices=members, default=list(members), metavar="PACKAGE")
    parser.add_argument("--out-dir", type=Path, default=ROOT / "dist", help="it is emptied first (default: dist)")
    parser.add_argument("--twice", action="store_true", help="build again elsewhere, and compare")
    options = parser.parse_args(arguments)
    out, epoch = options.out_dir.resolve(), os.environ.get("SOURCE_DATE_EPOCH") or commit_time(ROOT)
    shutil.rmtree(out, ignore_errors=True)
    build(ROOT, out, options.packages, epoch)
    wrong = [f"{name}'s wheel {what}" for name in options.packages for what in missing_files(members[name], out)]
    if options.twice:
        wrong += [
            f"{name} is not the same when it is built again" for name in build_again(out, options.packages, epoch)
        ]
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    for name, digest in digests(out).items():
        print(f"{digest}  {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
