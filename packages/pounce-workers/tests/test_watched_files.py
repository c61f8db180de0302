"""Which files count: uvicorn's patterns, seen from the watched folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pounce_asgi import ConfigError
from pounce_workers import WatchedFiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("include", "exclude", "path", "counts"),
    [
        ([], [], "main.py", True),
        ([], [], "app/deep/inside/main.py", True),
        ([], [], "build/dist/env/tmp/site-packages/x.py", True),
        ([], [], "app/page.html", False),
        ([], [], ".hidden.py", False),
        ([], [], ".git/hooks/x.py", False),
        ([], [], "~main.py", False),
        ([], [], "main.pyc", False),
        ([], [], "main.py.swp", False),
        ([], [], "__pycache__/x.py", False),
        ([], [], "node_modules/gyp/x.py", False),
        (["*.html"], [], "app/page.html", True),
        (["*.html"], [], "main.py", True),
        (["templates/*.html"], [], "app/templates/page.html", True),
        (["templates/*.html"], [], "app/other/page.html", False),
        ([".env"], [], ".env", True),
        ([".env"], [], "app/.env", True),
        ([".env"], [], ".git/.env", False),
        (["*"], [], "data.bin", True),
        (["*"], [], ".data", False),
        ([".*"], [], ".hidden.py", True),
        (["*.css"], ["*.py"], "main.py", False),
        (["*.css"], ["*.py"], "main.css", True),
        ([], ["tests"], "tests/test_x.py", False),
        ([], ["tests"], "app/tests/test_x.py", False),
        ([], ["tests"], "tests.py", True),
        ([], ["test_*.py"], "app/test_x.py", False),
        ([], ["app/generated"], "app/generated/x.py", False),
        ([], ["app/generated"], "generated/x.py", True),
    ],
)
def test_patterns(tmp_path: Path, include: list[str], exclude: list[str], path: str, counts: bool) -> None:
    files = WatchedFiles.of([tmp_path], include, exclude)
    assert files.matches(str(tmp_path / path)) is files.wants(str(tmp_path / path)) is counts


@pytest.mark.parametrize(
    "name", [".venv", "venv", "build", "node_modules", "__pycache__", "site-packages", ".hidden", "~x"]
)
def test_what_the_watched_folder_and_those_above_are_called_plays_no_part(tmp_path: Path, name: str) -> None:
    for root in (tmp_path / name, tmp_path / name / "project"):
        root.mkdir()
        (tmp_path / name / "pyvenv.cfg").touch()
        assert WatchedFiles.of([root], exclude=["build"]).wants(str(root / "app" / "main.py"))


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta"])
def test_a_virtual_environment_in_the_project_does_not_count(tmp_path: Path, mark: str) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / mark).touch()
    files = WatchedFiles.of([tmp_path])
    assert not files.wants(str(tmp_path / "env" / "lib" / "x.py"))
    assert files.wants(str(tmp_path / "environment" / "x.py"))
    assert WatchedFiles.of([tmp_path, tmp_path / "env"]).wants(str(tmp_path / "env" / "lib" / "x.py"))


def test_files_elsewhere_do_not_count(tmp_path: Path) -> None:
    for folder in ("one", "one-more"):
        (tmp_path / folder).mkdir()
    files = WatchedFiles.of([tmp_path / "one"])
    assert not files.wants(str(tmp_path / "one-more" / "x.py"))
    assert not files.wants(str(tmp_path / "one"))


@pytest.mark.parametrize(
    ("folder", "enters"),
    [("app", True), ("app/.git", False), (".git/x", False), ("node_modules", False), ("tests", False), ("", True)],
)
def test_folders(tmp_path: Path, folder: str, enters: bool) -> None:
    assert WatchedFiles.of([tmp_path], exclude=["tests"]).enters(str(tmp_path / folder)) is enters


def test_folders_among_the_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("app/static", "shared", "app/skipped"):
        (tmp_path / folder).mkdir(parents=True)
    files = WatchedFiles.of(["app"], ["shared", "*.css"], ["app/skipped"])
    assert files.folders == (tmp_path / "app", tmp_path / "shared")
    assert files.wants(str(tmp_path / "shared" / "x.py"))
    assert files.wants(str(tmp_path / "app" / "static" / "x.css"))
    assert not files.wants(str(tmp_path / "app" / "skipped" / "x.py"))
    assert not files.enters(str(tmp_path / "app" / "skipped"))


@pytest.mark.parametrize("missing", ["no-such-folder", "file.py"])
def test_a_folder_that_is_none(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file.py").touch()
    path = f"{tmp_path}/{missing}"
    with pytest.raises(ConfigError) as caught:
        WatchedFiles.of([tmp_path, path])
    assert str(caught.value) == f"reload_dir: {path!r} is not a folder, so it cannot be watched"
