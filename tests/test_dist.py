"""What builds of a release promise, as far as it shows without building: that is a step of .ci/run."""

from __future__ import annotations

import hashlib
import re
import subprocess
import zipfile
from typing import TYPE_CHECKING, Final

import pytest

from scripts import dist
from scripts.packages import ROOT, packages

if TYPE_CHECKING:
    from pathlib import Path

WHEEL: Final = (
    "pounce_h2/__init__.py",
    "pounce_h2/py.typed",
    "pounce_h2-{}.dist-info/METADATA",
    "pounce_h2-{}.dist-info/licenses/LICENSE",
)


@pytest.mark.parametrize(
    ("left_out", "added", "said"),
    [
        (None, None, []),
        ("py.typed", None, ["lacks /py.typed"]),
        ("LICENSE", None, ["lacks /licenses/LICENSE"]),
        (None, "tests/test_wire.py", ["has tests/test_wire.py"]),
        (None, "pounce_h3/__init__.py", ["has pounce_h3/__init__.py"]),
    ],
)
def test_a_wheel_holds_its_package_and_nothing_else(
    tmp_path: Path, left_out: str | None, added: str | None, said: list[str]
) -> None:
    package = packages()["pounce-h2"]
    with zipfile.ZipFile(tmp_path / package.files_built[0], "w") as wheel:
        for name in (*WHEEL, *([added] if added else [])):
            if left_out is None or not name.endswith(left_out):
                wheel.writestr(name.format(package.version), "")
    assert dist.missing_files(package, tmp_path) == said


def test_archives_are_compared_by_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "one.whl").write_bytes(b"1")
    (tmp_path / "one.tar.gz").write_bytes(b"2")
    (tmp_path / "notes.txt").write_bytes(b"3")
    once = dist.digests(tmp_path)
    assert once == {"one.tar.gz": hashlib.sha256(b"2").hexdigest(), "one.whl": hashlib.sha256(b"1").hexdigest()}
    assert dist.differences(once, once) == []
    assert dist.differences(once, once | {"one.whl": "other"}) == ["one.whl"]
    assert dist.differences(once, {}) == ["one.tar.gz", "one.whl"]


def test_the_time_in_archives_is_that_of_the_commit(tmp_path: Path) -> None:
    assert dist.commit_time(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "x", "--date", "2026-01-01"], check=True)
    committed = subprocess.run([*git, "log", "-1", "--format=%ct"], check=True, capture_output=True, text=True)
    assert dist.commit_time(tmp_path) == committed.stdout.strip()


def test_a_copy_has_what_builds_need_and_another_age(tmp_path: Path) -> None:
    root, copy = tmp_path / "root", tmp_path / "copy"
    (root / "packages" / "pounce-x" / "__pycache__").mkdir(parents=True)
    (root / "scripts").mkdir()
    for name in ("pyproject.toml", ".gitignore", "packages/pounce-x/module.py", "packages/pounce-x/__pycache__/m.pyc"):
        (root / name).touch()
    dist.copy_checkout(root, copy)
    copied = {path.relative_to(copy).as_posix(): path.stat().st_mtime for path in copy.rglob("*") if path.is_file()}
    assert copied == dict.fromkeys(("pyproject.toml", ".gitignore", "packages/pounce-x/module.py"), dist.SOMETIME)


def test_what_builds_is_pinned_to_the_last_bit() -> None:
    lines = dist.CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith(("#", " "))]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+ \\", line) for line in pinned), pinned
    assert any(line.startswith("hatchling==") for line in pinned)
    assert sum("--hash=sha256:" in line for line in lines) >= len(pinned)


def test_every_step_of_a_release_is_tried_before_a_change_is_taken() -> None:
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("make release-check", "make dist", "scripts.package_check python3 dist", "scripts/wheel_check.py"):
        assert re.search(rf'^ *step \S+ ".*" .*{re.escape(command)}', steps, re.MULTILINE), command
