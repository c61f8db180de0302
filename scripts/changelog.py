"""Write the top of a package's CHANGELOG.md from its fragments: ``python -m scripts.changelog PACKAGE [--draft]``.

A fragment is a file ``changes/<number>.<added|changed|...>.md``, one for each change that a user sees. They become the
section of the version that pyproject.toml has, and are removed; ``--draft`` only shows it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import TYPE_CHECKING

from scripts.packages import ROOT, packages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scripts.packages import Package

__all__ = ["command", "main"]


def command(package: Package, *, draft: bool) -> list[str]:
    """How towncrier is called for one package."""
    place = ["--config", str(package.folder / "pyproject.toml"), "--dir", str(package.folder)]
    return ["towncrier", "build", *place, "--version", package.version, "--draft" if draft else "--yes"]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    members = packages(root)
    parser = argparse.ArgumentParser(prog="python -m scripts.changelog", description=__doc__)
    parser.add_argument("package", choices=members, metavar="PACKAGE", help=", ".join(members))
    parser.add_argument("--draft", action="store_true", help="show it, change nothing")
    options = parser.parse_args(arguments)
    package = members[options.package]
    if package.newest_change == package.version and not options.draft:
        print(f"CHANGELOG.md has {package.version} already: hatch version minor (in {package.folder}), then again")
        return 1
    # In the checkout: towncrier asks git about the files where it stands.
    return subprocess.run(command(package, draft=options.draft), cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
