"""Release notes are made of fragments: here of a package that is not ours, with the settings of those that are."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

import pytest

from scripts import changelog

ROOT: Final = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(
    not Path(sysconfig.get_path("scripts"), "towncrier").exists() and sys.platform != "win32",
    reason="towncrier is not installed: release notes were NOT made",
)

FRAGMENTS: Final = {
    "7.fixed.md": "It no longer fails\nwhen it is late.\n",
    "8.added.md": "It sings.\n",
    "9.choir.added.md": "A choir sings.\n\nIn parts.\n",
    "10.removed.md": "It no longer dances.\n",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one package, whose settings are those of pounce-h2."""
    folder = tmp_path / "packages" / "pounce-h2"
    (folder / "changes").mkdir(parents=True)
    shutil.copy(ROOT / "packages" / "pounce-h2" / "pyproject.toml", folder)
    (folder / "CHANGELOG.md").write_text("# Changelog of pounce-h2\n\n<!-- releases: the newest first -->\n")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "changelog.jinja", tmp_path / "scripts")
    for name, text in FRAGMENTS.items():
        (folder / "changes" / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=":")
    return tmp_path


def release(checkout: Path, version: str) -> tuple[int, str]:
    """Give the package this version, and its changelog what became of it."""
    folder = checkout / "packages" / "pounce-h2"
    pyproject = (folder / "pyproject.toml").read_text()
    lines = [f'version = "{version}"' if line.startswith("version = ") else line for line in pyproject.splitlines()]
    (folder / "pyproject.toml").write_text("\n".join(lines))
    code = changelog.main(["pounce-h2"], checkout)
    return code, (folder / "CHANGELOG.md").read_text()


def test_fragments_become_the_top_of_the_changelog_and_are_gone(checkout: Path) -> None:
    code, text = release(checkout, "0.1.0")
    assert code == 0
    head, _, notes = text.partition("## 0.1.0 (")
    assert head == "# Changelog of pounce-h2\n\n<!-- releases: the newest first -->\n\n"
    assert notes.partition(")\n")[2] == (
        "\n### Removed\n\n- It no longer dances.\n"
        "\n### Added\n\n- A choir sings.\n\n  In parts.\n- It sings.\n"
        "\n### Fixed\n\n- It no longer fails\n  when it is late.\n"
    )
    assert not list((checkout / "packages" / "pounce-h2" / "changes").glob("*.md"))


def test_the_next_release_goes_above_it(checkout: Path) -> None:
    release(checkout, "0.1.0")
    (checkout / "packages" / "pounce-h2" / "changes" / "11.fixed.md").write_text("It hums.\n")
    code, text = release(checkout, "0.2.0")
    assert code == 0
    assert text.index("## 0.2.0") < text.index("It hums.") < text.index("## 0.1.0") < text.index("It sings.")


def test_a_version_is_released_once(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    release(checkout, "0.1.0")
    code, text = release(checkout, "0.1.0")
    assert code == 1
    assert text.count("## 0.1.0") == 1
    assert "hatch version minor" in capfd.readouterr().out


def test_a_draft_changes_nothing(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert changelog.main(["pounce-h2", "--draft"], checkout) == 0
    assert "- It sings." in capfd.readouterr().out
    assert len(list((checkout / "packages" / "pounce-h2" / "changes").glob("*.md"))) == len(FRAGMENTS)
