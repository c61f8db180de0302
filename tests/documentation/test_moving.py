"""The guides for users of other servers name every option of these, and only options of ours that there are."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from pounce.cli import FLAG_ALIASES
from pounce.config import all_settings
from tests.documentation.blocks import ROOT

OTHERS: Final[dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "options_of_others.json").read_text(encoding="utf-8")
)
"""What ``--help`` of these versions lists."""

FLAGS: Final = {"--config", "--version", "--help"} | {
    flag
    for setting in all_settings()
    for flag in (setting.flag, setting.off_flag, *FLAG_ALIASES.get(setting.name, ()))
    if flag
}
ROW: Final = re.compile(r"^\| (.*?) \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
FLAG: Final = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")


def rows(server: str) -> list[tuple[set[str], str, str]]:
    """The table of all options: theirs, ours, remark."""
    text = (ROOT / "docs" / "moving" / f"{server}.md").read_text(encoding="utf-8")
    _, _, table = text.partition("## Every option")
    cells = [found for found in ROW.findall(table) if found[0].startswith("`-")]
    return [(set(FLAG.findall(theirs)), ours, remark) for theirs, ours, remark in cells]


@pytest.mark.parametrize("server", OTHERS)
def test_every_option_has_one_row(server: str) -> None:
    named = [flag for theirs, _, _ in rows(server) for flag in theirs]
    assert sorted(named) == OTHERS[server]["options"]


@pytest.mark.parametrize("server", OTHERS)
def test_what_is_said_to_be_here_is_here(server: str) -> None:
    for theirs, ours, remark in rows(server):
        named = set(FLAG.findall(ours))
        assert named <= FLAGS, ours
        if ours == "the same":
            assert {flag for flag in theirs if len(flag) > 2} <= FLAGS | {"-h", "-v"}, theirs
        else:
            assert named or ours == "-" or ours.startswith("extra "), ours
        assert set(FLAG.findall(remark)) <= FLAGS | theirs


def test_the_options_of_uvicorn_are_those_that_it_has() -> None:
    """The one of them that is always installed here."""
    uvicorn = pytest.importorskip("uvicorn")
    if uvicorn.__version__ != OTHERS["uvicorn"]["version"]:
        pytest.skip(f"the list is that of {OTHERS['uvicorn']['version']}")
    command = importlib.import_module("uvicorn.main").main
    found = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {name for name in found if name.startswith("-")} | {"--help"} == set(OTHERS["uvicorn"]["options"])
