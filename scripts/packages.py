"""The packages of this checkout as their pyproject.toml tells them: name, version, what they need of each other.

Only the standard library, so that a release is checked before anything is installed.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["ROOT", "Package", "PackageError", "Requirement", "packages", "version_numbers"]

ROOT: Final = Path(__file__).resolve().parent.parent

VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")
REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?\s*([^;]*)(?:;\s*(.*))?")
RANGE: Final = re.compile(r">=(\d+(?:\.\d+)*),<(\d+(?:\.\d+)*)")
"""How siblings are bounded: what they were written against, and the next version that may break them."""
NEWEST: Final = re.compile(r"^## (\S+)", re.MULTILINE)


class PackageError(Exception):
    """Something that does not fit together; the message says what to change."""


def version_numbers(version: str) -> tuple[int, ...]:
    """``0.1.0`` as numbers, to be compared.

    Raises:
        PackageError: it is not three numbers. A release of ours has no other form.
    """
    if VERSION.fullmatch(version) is None:
        raise PackageError(f"{version!r} is no version of ours: it takes three numbers, as in 0.1.0")
    return tuple(map(int, version.split(".")))


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of ``dependencies``, or of an extra."""

    name: str
    extras: tuple[str, ...]
    bounds: str
    marker: str = ""
    """Where it is needed at all."""

    @classmethod
    def parse(cls, line: str) -> Requirement:
        found = REQUIREMENT.match(line)
        assert found, f"{line!r} is no requirement"
        extras = tuple(one.strip() for one in (found[2] or "").split(",") if one.strip())
        return cls(found[1], extras, found[3].strip(), found[4] or "")

    def holds(self, version: str) -> bool:
        """Whether the range of a sibling has this version in it.

        Raises:
            PackageError: it is no range from one version up to another.
        """
        found = RANGE.fullmatch(self.bounds.replace(" ", ""))
        if found is None:
            raise PackageError(f"{self.name}{self.bounds}: siblings are bounded by a range such as >=0.1,<0.2")
        lowest, beyond = (tuple(map(int, bound.split("."))) for bound in found.groups())
        return lowest <= version_numbers(version) < beyond


@dataclass(frozen=True, slots=True)
class Package:
    """A folder below packages/, and the table ``project`` of its pyproject.toml."""

    folder: Path
    project: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Package:
        return cls(folder, tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"])

    @property
    def name(self) -> str:
        name: str = self.project["name"]
        return name

    @property
    def version(self) -> str:
        version: str = self.project["version"]
        return version

    @property
    def tag(self) -> str:
        """``pounce-h2-v0.1.0``: each package is released by itself."""
        return f"{self.name}-v{self.version}"

    @property
    def import_name(self) -> str:
        """The one folder in src/."""
        (found,) = (path.parent.name for path in self.folder.glob("src/*/__init__.py"))
        return found

    @property
    def files_built(self) -> tuple[str, str]:
        """The names that its wheel and its sdist have."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        return f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"

    @property
    def extras(self) -> dict[str, list[Requirement]]:
        given = self.project.get("optional-dependencies", {})
        return {name: [Requirement.parse(line) for line in lines] for name, lines in given.items()}

    @property
    def dependencies(self) -> list[Requirement]:
        """What it cannot do without."""
        return [Requirement.parse(line) for line in self.project["dependencies"]]

    @property
    def requirements(self) -> list[Requirement]:
        """What it needs, with its extras."""
        return self.dependencies + [one for needed in self.extras.values() for one in needed]

    @property
    def newest_change(self) -> str | None:
        """The version at the top of CHANGELOG.md; None while nothing has been released."""
        found = NEWEST.search((self.folder / "CHANGELOG.md").read_text(encoding="utf-8"))
        return found[1] if found else None

    @property
    def fragments(self) -> list[Path]:
        """Changes that no release has told yet."""
        return sorted(path for path in (self.folder / "changes").iterdir() if not path.name.startswith("."))


def packages(root: Path = ROOT) -> dict[str, Package]:
    """Name -> package, in the order of their names."""
    found = (Package.read(file.parent) for file in sorted(root.glob("packages/*/pyproject.toml")))
    return {package.name: package for package in found}
