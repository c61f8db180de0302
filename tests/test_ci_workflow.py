"""The workflow runs on what the packages say they run on, and calls what the Makefile has.

Without a YAML parser, which nothing else here needs: lists are written in one line, and that is checked.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
WORKFLOW: Final = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
PACKAGES: Final = sorted((ROOT / "packages").glob("*/pyproject.toml"))

PYTHON: Final = "Programming Language :: Python :: "


def pythons() -> list[str]:
    """The versions of the matrix."""
    (line,) = re.findall(r"^ +python: (\[.*\])$", WORKFLOW, re.MULTILINE)
    found: list[str] = json.loads(line)
    return found


@pytest.mark.parametrize("file", PACKAGES, ids=lambda file: file.parent.name)
def test_every_python_that_a_package_names_is_tested_and_no_other(file: Path) -> None:
    classifiers = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["classifiers"]
    named = {name.removeprefix(PYTHON) for name in classifiers if re.fullmatch(PYTHON + r"\d+\.\d+", name)}
    if f"{PYTHON}Free Threading" in classifiers:
        newest = max(named, key=lambda version: tuple(map(int, version.split("."))))
        named.add(f"{newest}t")
    assert sorted(named) == sorted(pythons())


def test_os_independent_means_three_systems() -> None:
    (line,) = re.findall(r"^ +system: \[(.*)\]$", WORKFLOW, re.MULTILINE)
    assert [name.strip() for name in line.split(",")] == ["ubuntu-latest", "macos-latest", "windows-latest"]


def test_what_it_runs_is_here() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = re.findall(r"^ +run: make (\S+)", WORKFLOW, re.MULTILINE)
    assert called
    assert set(called) <= targets
    assert re.search(r"^ +run: \.ci/run$", WORKFLOW, re.MULTILINE)
    assert sys.platform == "win32" or os.access(ROOT / ".ci" / "run", os.X_OK)


def test_it_may_read_and_no_more_and_ends() -> None:
    assert re.findall(r"^permissions:\n((?:  .*\n)+)", WORKFLOW, re.MULTILINE) == ["  contents: read\n"]
    assert WORKFLOW.count("permissions:") == 1
    jobs = re.findall(r"^    runs-on: ", WORKFLOW, re.MULTILINE)
    assert len(re.findall(r"^    timeout-minutes: \d+$", WORKFLOW, re.MULTILINE)) == len(jobs) == 3
    assert not re.findall(r"run:.*\$\{\{", WORKFLOW), "the name of a branch can be a command: it comes by a variable"


def test_actions_are_those_of_the_release_workflow() -> None:
    """Which are pinned by commit: a tag can be moved by whoever gets hold of the action's repository."""
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    pinned = set(re.findall(r"uses: (\S+@[0-9a-f]{40} # v[\d.]+)\n", release))
    used = set(re.findall(r"uses: (.+)\n", WORKFLOW))
    assert {action.partition("@")[0] for action in used} == {"actions/checkout", "actions/setup-python"}
    assert used <= pinned
