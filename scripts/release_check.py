"""Show that a release fits together before it is built: ``python -m scripts.release_check [TAG] [--dist DIST]``.

Always: the range that each package sets for a sibling holds the version that the sibling has here. For a tag
(``pounce-h2-v0.1.0``): pyproject.toml and the top of CHANGELOG.md have the version of the tag, no fragment is left
that the changelog does not tell, and the package says where the project lives. With DIST: the wheel and the sdist of
that version are there, and nothing else of the package. The name of the package is printed, for the steps that follow.
Only the standard library is needed.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.packages import ROOT, Package, PackageError, packages
from scripts.repository import repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["check_dist", "check_siblings", "check_tag", "main"]

TAG: Final = re.compile(r"(?:refs/tags/)?([a-z0-9-]+)-v(\d+\.\d+\.\d+)")


def check_siblings(members: Mapping[str, Package]) -> Iterator[str]:
    """What is wrong with the ranges that packages set for each other."""
    for package in members.values():
        for needed in package.requirements:
            if needed.name not in members or needed.name == package.name:
                continue
            version = members[needed.name].version
            try:
                held = needed.holds(version)
            except PackageError as error:
                yield f"{package.name}: {error}"
                continue
            if not held:
                yield f"{package.name} asks for {needed.name}{needed.bounds}, but {needed.name} is {version} here"


def tagged_package(tag: str, members: Mapping[str, Package]) -> tuple[Package, str]:
    """The package and the version that a tag names.

    Raises:
        PackageError: the tag has another form, or there is no such package.
    """
    found = TAG.fullmatch(tag)
    if found is None or found[1] not in members:
        raise PackageError(f"{tag}: a tag is the name of a package and its version, as in {next(iter(members))}-v0.1.0")
    return members[found[1]], found[2]


def check_tag(package: Package, version: str) -> Iterator[str]:
    """What is wrong with a package that is to be released as this version."""
    if package.version != version:
        yield f"{package.name}: the tag says {version}, pyproject.toml {package.version}"
    if package.newest_change != version:
        newest = package.newest_change or "nothing"
        yield f"{package.name}: the top of CHANGELOG.md is {newest}: make changelog PACKAGE={package.name}"
    if "Source" not in package.project.get("urls", {}):
        yield f"{package.name}: it does not say where the project lives: python -m scripts.repository ADDRESS"
    if left := [path.name for path in package.fragments]:
        yield f"{package.name}: the changelog does not tell {', '.join(left)}"


def check_dist(package: Package, dist: Path) -> Iterator[str]:
    """What is wrong with the files that were built."""
    stem = package.name.replace("-", "_") + "-"
    there = {path.name for path in dist.glob("*") if path.name.startswith(stem)}
    for missing in sorted(set(package.files_built) - there):
        yield f"{dist} has no {missing}"
    for stranger in sorted(there - set(package.files_built)):
        yield f"{dist} has {stranger}, which is not of {package.tag}"


def complaints(root: Path, tag: str | None, dist: Path | None) -> tuple[str, list[str]]:
    """What is released (a name, or all) and what is wrong with it."""
    members = packages(root)
    repository(root)
    found = list(check_siblings(members))
    if tag is None:
        return f"{len(members)} packages", found
    package, version = tagged_package(tag, members)
    found += check_tag(package, version)
    if dist is not None:
        found += check_dist(package, dist)
    return package.name, found


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Check, and say what is wrong. Exit code: 0 in order, 1 not."""
    parser = argparse.ArgumentParser(prog="python -m scripts.release_check", description=__doc__)
    parser.add_argument("tag", nargs="?", metavar="TAG", help="as in pounce-h2-v0.1.0; without one: only the ranges")
    parser.add_argument("--dist", type=Path, help="the folder with what was built")
    options = parser.parse_args(arguments)
    if options.dist is not None and options.tag is None:
        parser.error("--dist needs a TAG: which package is to be there?")
    try:
        name, found = complaints(root, options.tag, options.dist)
    except PackageError as error:
        name, found = "", [str(error)]
    for complaint in found:
        print(complaint, file=sys.stderr)
    if found:
        return 1
    print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
