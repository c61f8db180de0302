"""What the pages for readers say exists: every option, every link, every setting of workers somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pounce.cli import FLAG_ALIASES
from pounce.config import all_settings
from pounce.unavailable import unavailable

if TYPE_CHECKING:
    from pounce.settings import Setting

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "deploy/README.md")
}
SERVER: Final = (ROOT / "packages/pounce-server/README.md").read_text(encoding="utf-8")
FLAGS: Final = {flag for setting in all_settings() for flag in (setting.flag, setting.off_flag)} | {
    alias for aliases in FLAG_ALIASES.values() for alias in aliases
}


def flags_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text))


@pytest.mark.parametrize("page", PAGES)
def test_options_are_ours_or_explained_when_asked_for(page: str) -> None:
    strange = {flag for flag in flags_in(PAGES[page]) - FLAGS if unavailable(flag) is None}
    of_dev_cert = {"--force", "--name", "--out"}
    of_curl = {"--http2-prior-knowledge", "--unix-socket"}
    of_top = {"--interval", "--json", "--once"}
    of_commands = {"--all", "--changed", "--force", "--help-all", "--json", "--strict"}
    of_profile = {"--idle", "--interval", "--output", "--pid", "--seconds"}
    of_bench = {"--connections", "--generator", "--rounds", "--server", "--path", "--pounce-app", "--pounce-kinds"}
    others = (
        of_bench
        | {"--help", "--version", "--now", "--signal", "--kill-whom", "--log-opt"}
        | of_dev_cert
        | of_curl
        | of_top
        | of_commands
        | of_profile
    )
    assert strange <= others, "of git, systemctl and others"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page]):
        assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("name", [path.name for path in sorted(ROOT.glob("docs/*.md"))])
def test_every_page_is_found_from_the_first_one(name: str) -> None:
    assert f"(docs/{name})" in PAGES["README.md"]


@pytest.mark.parametrize(
    "setting",
    [
        one
        for one in all_settings()
        if one.group in ("Address", "Reload") or "worker" in one.name or one.section == "lift"
    ],
    ids=lambda one: one.name,
)
def test_what_is_set_about_workers_and_sockets_is_described(setting: Setting) -> None:
    """`pounce settings` lists all; these need more than a line."""
    assert setting.flag in flags_in(SERVER)
