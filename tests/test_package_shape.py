"""All packages have the same shape, so that somebody who knows one is at home in each."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = sorted(folder for folder in (ROOT / "packages").iterdir() if folder.is_dir())

FILES: Final = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")
FOLDERS: Final = ("changes", "src", "tests", "benchmarks")
MINOR_VERSIONS: Final = ("3.11", "3.12", "3.13", "3.14")

each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)


@functools.cache
def configuration(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def project(package: Path) -> dict[str, Any]:
    found: dict[str, Any] = configuration(package)["project"]
    return found


def import_name(package: Path) -> str:
    return "pounce" if package.name == "pounce-server" else package.name.replace("-", "_")


def requirements(package: Path) -> list[str]:
    extras = project(package).get("optional-dependencies", {}).values()
    return [*project(package)["dependencies"], *(line for lines in extras for line in lines)]


@each_package
def test_files_and_folders(package: Path) -> None:
    source = package / "src" / import_name(package)
    wanted = [*(package / name for name in FILES), source / "__init__.py", source / "py.typed"]
    assert [path for path in wanted if not path.is_file()] == []
    assert [name for name in FOLDERS if not (package / name).is_dir()] == []
    assert [path.name for path in (package / "src").iterdir() if not path.name.startswith((".", "__"))] == [source.name]


@each_package
def test_there_are_tests(package: Path) -> None:
    assert list((package / "tests").rglob("test_*.py")), "a package tests itself"
    assert not list((package / "tests").rglob("__init__.py")), "test folders are not packages"


@each_package
def test_the_license_is_that_of_the_whole(package: Path) -> None:
    assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert project(package)["license"] == "MIT"
    assert project(package)["license-files"] == ["LICENSE"]


@each_package
def test_the_version_is_a_literal_that_the_changelog_knows(package: Path) -> None:
    version = project(package)["version"]
    assert "version" not in project(package).get("dynamic", [])
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", (package / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is None or newest.group(1) == version


@each_package
def test_every_supported_python_is_declared(package: Path) -> None:
    assert project(package)["requires-python"] == ">=3.11"
    declared = set(project(package)["classifiers"])
    wanted = {f"Programming Language :: Python :: {version}" for version in MINOR_VERSIONS}
    wanted |= {"Programming Language :: Python :: Free Threading", "Typing :: Typed"}
    assert wanted - declared == set()


@each_package
def test_siblings_are_bounded_by_a_range_that_holds_their_version(package: Path) -> None:
    versions = {sibling.name: project(sibling)["version"] for sibling in PACKAGES}
    for requirement in requirements(package):
        name, _, bounds = re.fullmatch(r"([\w-]+)(\[[\w,]+\])?(.*)", requirement).groups()  # type: ignore[union-attr]
        if name == package.name:
            assert bounds == "", f"{requirement}: an extra that names other extras of itself needs no bound"
        elif name in versions:
            major, minor, _ = map(int, versions[name].split("."))
            wanted = f">={major}.{minor},<" + (f"{major}.{minor + 1}" if major == 0 else str(major + 1))
            assert bounds == wanted, f"{requirement}: expected {name}{wanted}"


@each_package
def test_wheel_and_sdist_hold_what_they_should(package: Path) -> None:
    targets = configuration(package)["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["packages"] == [f"src/{import_name(package)}"]
    assert {"src", "tests", "README.md", "CHANGELOG.md", "LICENSE"} <= set(targets["sdist"]["include"])
    assert configuration(package)["build-system"]["build-backend"] == "hatchling.build"


def test_the_root_is_virtual_and_knows_every_package() -> None:
    root = configuration(ROOT)
    assert "project" not in root
    names = {package.name for package in PACKAGES}
    assert root["tool"]["uv"]["sources"] == {name: {"workspace": True} for name in names}
    searched = {
        Path(line.removeprefix("$MYPY_CONFIG_FILE_DIR/")).parts[1] for line in root["tool"]["mypy"]["mypy_path"]
    }
    assert searched == names


def test_extra_all_holds_every_other_extra() -> None:
    server = next(package for package in PACKAGES if package.name == "pounce-server")
    extras = project(server)["optional-dependencies"]
    (everything,) = extras["all"]
    named = re.fullmatch(r"pounce-server\[(.*)\]", everything)
    assert named
    assert set(named.group(1).split(",")) == extras.keys() - {"all"}
