"""What the pages for readers say exists: every option, every link, every setting of workers, and every page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pounce.cli import FLAG_ALIASES
from pounce.config import all_settings
from pounce.unavailable import unavailable
from scripts.bench_figures import PAGES as MEASURED
from scripts.bench_figures import rewritten
from scripts.draw_pictures import ASSETS, PICTURES

if TYPE_CHECKING:
    from pounce.settings import Setting

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
PAGES: Final = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        ROOT / "README.md",
        *sorted(DOCS.rglob("*.md")),
        ROOT / "deploy/README.md",
        *sorted(ROOT.glob("packages/*/README.md")),
    )
}
GUIDES: Final = [page for page in PAGES if page.startswith("docs/moving/")]
"""They name the options of others, and have a test of their own."""

NAVIGATION: Final = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
SERVER: Final = PAGES["packages/pounce-server/README.md"]
FLAGS: Final = {flag for setting in all_settings() for flag in (setting.flag, setting.off_flag)} | {
    alias for aliases in FLAG_ALIASES.values() for alias in aliases
}


def flags_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.startswith(("README", "docs", "deploy")) and page not in GUIDES]
)
def test_options_are_ours_or_explained_when_asked_for(page: str) -> None:
    text = re.sub(r"<!-- run; fails.*?```\n", "", PAGES[page], flags=re.DOTALL)  # mistakes, on purpose
    strange = {flag for flag in flags_in(text) - FLAGS if unavailable(flag) is None}
    of_dev_cert = {"--force", "--name", "--out"}
    of_curl = {"--http2-prior-knowledge", "--unix-socket"}
    of_top = {"--interval", "--json", "--once"}
    of_commands = {"--all", "--changed", "--force", "--help-all", "--json", "--strict"}
    of_profile = {"--idle", "--interval", "--output", "--pid", "--seconds"}
    of_bench = {
        "--connections",
        "--generator",
        "--rounds",
        "--seconds",
        "--server",
        "--path",
        "--pounce-app",
        "--pounce-kinds",
    }
    of_fuzzing = {"--atheris", "--input", "--seed"}
    of_soak = {"--keep", "--leak", "--minutes", "--seed"}
    of_attacks = {"--idle", "--json", "--keys", "--markdown", "--only", "--rounds"}
    of_stress = {"--minutes", "--only", "--python", "--run", "--seed", "--watch"}
    of_configure = {"--disable-gil", "--with-pydebug", "--with-thread-sanitizer"}
    of_docker = {"--cpus", "--log-opt", "--rm", "--time"}
    others = {"--help", "--version", "--schema", "--now", "--signal", "--kill-whom"}
    known = others | of_dev_cert | of_curl | of_top | of_profile | of_bench | of_commands | of_docker | of_fuzzing
    known |= of_attacks | of_soak | of_stress | of_configure
    assert strange <= known, "of git, systemctl and others"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page]):
        path = (ROOT / page).parent.joinpath(target)
        made = DOCS / "reference" in path.parents  # by the site alone
        assert path.exists() or made, target


@pytest.mark.parametrize("page", [page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")])
def test_every_page_is_in_the_navigation(page: str) -> None:
    assert len(re.findall(rf"^ *- (?:[^:\n]+: )?{re.escape(page)}$", NAVIGATION, re.MULTILINE)) == 1


def test_every_package_is_in_the_navigation() -> None:
    for package in sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")):
        module = "pounce" if package == "pounce-server" else package.replace("-", "_")
        assert f" packages/{package}.md\n" in NAVIGATION
        assert f" reference/{module}.md\n" in NAVIGATION


def test_the_first_page_leads_to_where_people_begin() -> None:
    for page in ("get-started", "how-it-works", "deployment", "limits", "when-not-to-use", "thread-safety"):
        assert f"(docs/{page}.md)" in PAGES["README.md"]
    for folder in ("moving", "frameworks"):
        for path in (DOCS / folder).glob("*.md"):
            assert f"(docs/{folder}/{path.name})" in PAGES["README.md"]


def test_every_extra_says_what_it_is_for() -> None:
    project = tomllib.loads((ROOT / "packages/pounce-server/pyproject.toml").read_text(encoding="utf-8"))["project"]
    _, _, section = SERVER.partition("\n## Extras\n")
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {*project["optional-dependencies"]} - {
        "all"
    }


def test_the_table_of_limits_has_all_of_them() -> None:
    """Those of a worker's life, of middleware's details and of what clients remember are elsewhere."""
    table = PAGES["docs/limits.md"]
    limits = re.compile(r"(?:\w+_)?(?:limit|max|timeout|window|queue|backlog)(?:_\w+)?$")
    elsewhere = re.compile(
        r"limit_max_requests|workers_|limit_warnings|async_limit|rate_limit_|request_queue_exempt|\w+_max_age$"
    )
    named = {one.name for one in all_settings() if limits.match(one.name) and not elsewhere.match(one.name)}
    assert len(named) > 25
    assert not {name for name in named if f"`{name}`" not in table}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_as_their_script_draws_them(name: str) -> None:
    assert (ASSETS / name).read_text(encoding="utf-8") == str(PICTURES[name]()), "draw them again: make pictures"


@pytest.mark.parametrize("page", MEASURED, ids=lambda page: page.name)
def test_figures_are_those_that_were_measured(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert rewritten(text) == text, "write them again: make pictures"


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
