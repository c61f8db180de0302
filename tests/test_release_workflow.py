"""The workflow that publishes: what it may do, what it runs, and that what builds and what publishes are kept apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from scripts import packages, release_check

ROOT: Final = Path(__file__).resolve().parent.parent
FILE: Final = ROOT / ".github" / "workflows" / "release.yml"

yaml: Any = pytest.importorskip("yaml", reason="pyyaml is not installed: the workflow was NOT read")
WORKFLOW: Final[dict[Any, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
JOBS: Final[dict[str, dict[str, Any]]] = WORKFLOW["jobs"]

MAY: Final = {
    "build": {"contents": "read"},
    "attest": {"id-token": "write", "attestations": "write"},
    "publish": {"id-token": "write"},
}
"""Job -> all that it is permitted."""


def test_each_job_may_do_what_it_is_for_and_no_more() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == MAY
    assert all(0 < job["timeout-minutes"] <= 60 for job in JOBS.values())


def test_what_may_sign_or_publish_runs_no_code_of_the_checkout() -> None:
    for name, allowed in MAY.items():
        steps = JOBS[name]["steps"]
        if "id-token" in allowed:
            assert not [step for step in steps if "run" in step or "checkout" in step["uses"]], name
    assert "attest" in JOBS["publish"]["needs"], "nothing is published that is not attested"


def test_publishing_waits_for_its_environment_and_needs_no_secret() -> None:
    assert JOBS["publish"]["environment"]["name"] == "pypi"
    text = FILE.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "password" not in text


def test_actions_are_pinned_by_commit_and_say_which_release_that_is() -> None:
    used = re.findall(r"uses: (\S+)(.*)", FILE.read_text(encoding="utf-8"))
    assert used
    for action, remark in used:
        assert re.fullmatch(r"(actions|pypa)/[\w-]+@[0-9a-f]{40}", action), action
        assert re.match(r" # v\d+\.\d+\.\d+$", remark), f"{action}: which release is it?"
    assert len({action for action, _ in used}) == len({action.partition("@")[0] for action, _ in used})


def test_no_expression_is_pasted_into_a_shell() -> None:
    """The name of a tag can be a command: it comes by a variable."""
    scripts = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_it_starts_for_the_tags_that_the_check_knows() -> None:
    (pattern,) = WORKFLOW[True]["push"]["tags"]  # YAML 1.1 takes `on` for a truth
    glob = re.compile(pattern.replace("*", ".*"))
    for package in packages.packages().values():
        assert glob.fullmatch(package.tag)
        assert release_check.TAG.fullmatch(package.tag)


def test_only_commits_of_the_main_branch_are_released() -> None:
    """A tag may be pushed for any commit, one that nobody has read too."""
    steps = JOBS["build"]["steps"]
    (look,) = (number for number, step in enumerate(steps) if "git merge-base --is-ancestor" in step.get("run", ""))
    assert steps[0]["with"]["fetch-depth"] == 0, "all of the history is needed"
    assert look == 1, "before anything of that commit runs"


def test_what_it_runs_is_here() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    scripts = "\n".join(step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step)
    called, modules = set(re.findall(r"\bmake (\S+)", scripts)), set(re.findall(r"-m scripts\.(\w+)", scripts))
    assert called
    assert called <= targets
    assert modules == {"release_check", "dist"}
