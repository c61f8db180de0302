"""Which release it says that it is."""

from __future__ import annotations

import importlib.metadata
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from pounce.versions import pounce_version

if TYPE_CHECKING:
    from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: pounce-server\nVersion: {}\n"


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the path."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / "gone"), str(tmp_path)])
    return tmp_path


def note(folder: Path, name: str, version: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / ("METADATA" if name.endswith("dist-info") else "PKG-INFO")).write_text(METADATA.format(version))


def test_is_what_python_says_of_this_one() -> None:
    assert pounce_version() == importlib.metadata.version("pounce-server")


@pytest.mark.parametrize("version", ["0.1.0", "1.2.3rc1", "2.0.dev3+local.1"])
@pytest.mark.parametrize("name", ["pounce_server-{}.dist-info", "pounce_server.egg-info"])
def test_is_what_an_installer_noted(only: Path, name: str, version: str) -> None:
    note(only, name.format(version), version)
    note(only, "pounce_server_more-9.dist-info", "9")
    assert pounce_version() == importlib.metadata.version("pounce-server") == version


def test_the_first_on_the_path_is_what_is_imported(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0", "2.0"):
        note(only / version, f"pounce_server-{version}.dist-info", version)
    monkeypatch.setattr(sys, "path", [str(only / "2.0"), str(only / "1.0")])
    assert pounce_version() == importlib.metadata.version("pounce-server") == "2.0"


def test_in_an_archive(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = only / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("pounce_server-3.0.dist-info/METADATA", METADATA.format("3.0"))
    monkeypatch.setattr(sys, "path", [str(archive)])
    assert pounce_version() == "3.0"


@pytest.mark.usefixtures("only")
def test_where_nothing_is_installed() -> None:
    assert pounce_version() == "(not installed)"
