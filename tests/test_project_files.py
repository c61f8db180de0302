"""What a contributor is told: links that lead somewhere, commands that exist, hooks that download nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere_and_the_first_page_leads_here(page: str) -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)", text_of(page)):
        assert (ROOT / target).exists(), target
    assert f"({page})" in text_of("README.md")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", ".pre-commit-config.yaml"])
def test_what_make_is_asked_for_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    asked = set(re.findall(r"(?:^|[`(:] ?)make ([a-z-]+)", text_of(page), re.MULTILINE)) - {"you"}
    assert asked
    assert asked <= targets


def test_files_and_folders_that_are_named_are_there() -> None:
    named = re.findall(r"`([\w./-]+/[\w./-]*\w(?:\.\w+)?)`", text_of("CONTRIBUTING.md"))
    places = (ROOT, *ROOT.glob("packages/*/src"))
    missing = [name for name in named if not any((place / name).exists() for place in places)]
    assert missing == []
    assert len(named) > 5


def test_hooks_are_ours_and_run_what_is_here() -> None:
    yaml: Any = pytest.importorskip("yaml", reason="pyyaml is not installed: the hooks were NOT read")
    configured = yaml.safe_load(text_of(".pre-commit-config.yaml"))
    (repository,) = configured["repos"]
    assert repository["repo"] == "local", "a hook from elsewhere would be fetched, and is another version than ours"
    assert all(hook["language"] == "system" for hook in repository["hooks"])
    for path in re.findall(r"entry: python3 (scripts/\S+)", text_of(".pre-commit-config.yaml")):
        assert (ROOT / path).exists()
