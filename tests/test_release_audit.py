"""What is made of the answers about known weaknesses: a finding fails, silence is said loudly."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest

from scripts import audit

if TYPE_CHECKING:
    from pathlib import Path

SOUND: Final = {"name": "h2", "version": "4.4.1", "vulns": []}
UNKNOWN: Final = {"name": "hpack", "skip_reason": "Dependency not found on PyPI"}
WEAK: Final = {
    "name": "idna",
    "version": "3.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.7"]}, {"id": "PYSEC-2", "fix_versions": []}],
}


@pytest.mark.parametrize(
    ("dependencies", "code", "said"),
    [
        ([SOUND], 0, ["1 packages asked for, 0 advisories"]),
        ([SOUND, WEAK], 1, ["idna 3.1: PYSEC-1, mended in 3.7", "idna 3.1: PYSEC-2, mended in no release"]),
        ([SOUND, UNKNOWN], 0, ["ADVISORIES WERE NOT READ", "hpack", "1 packages asked for"]),
        ([UNKNOWN, WEAK], 1, ["ADVISORIES WERE NOT READ", "PYSEC-1"]),
        (None, 0, ["ADVISORIES WERE NOT READ: the network is down"]),
    ],
)
def test_a_finding_fails_and_silence_is_loud(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    dependencies: list[Any] | None,
    code: int,
    said: list[str],
) -> None:
    told = None if dependencies is None else {"dependencies": dependencies}
    monkeypatch.setattr(audit, "ask", lambda folder: (told, "the network is down\n"))
    assert audit.main([]) == code
    output = "".join(capsys.readouterr())
    assert [words for words in said if words not in output] == []


def test_a_database_that_is_slow_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(folder: Path) -> None:
        raise subprocess.TimeoutExpired("uv", 120)

    monkeypatch.setattr(audit, "ask", ask)
    assert audit.main([]) == 0
    assert "NOT READ: no answer within 120 s" in capsys.readouterr().err
