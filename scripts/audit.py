"""See whether what the packages bring along has known weaknesses: ``python -m scripts.audit``, or ``make audit``.

All that the packages need with all their extras, at the versions of uv.lock (those that a fresh installation gets), is
asked for by pip-audit in the database of advisories that PyPI has. A finding is a failure. That the database cannot
be asked, or does not know a package, is none, for the change is not to blame; it is said loudly.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scripts.packages import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PIP_AUDIT", "findings", "main", "not_asked"]

PIP_AUDIT: Final = "pip-audit==2.10.1"
EXPORT_SECONDS: Final = 60
ASK_SECONDS: Final = 120
"""For some sixty packages, one question each."""
ANSWER_SECONDS: Final = 10
"""For one question."""

EVERYTHING: Final = ("--frozen", "--all-packages", "--all-extras", "--no-default-groups", "--no-emit-workspace")


def uv(*arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "workspace.py"), "uv", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


def ask(folder: Path) -> tuple[dict[str, Any] | None, str]:
    """What pip-audit tells as JSON, or None; and what it said besides."""
    needed = folder / "requirements.txt"
    export = ("export", "--quiet", *EVERYTHING, "--no-hashes", "--no-header", "--output-file", str(needed))
    done = uv(*export, seconds=EXPORT_SECONDS)
    if done.returncode != 0:
        return None, done.stderr
    # Pinned by uv already, so nothing is resolved, and nothing of it is installed.
    given = ["--requirement", str(needed), "--disable-pip", "--no-deps"]
    quiet = ["--format", "json", "--progress-spinner", "off", "--timeout", str(ANSWER_SECONDS)]
    done = uv("tool", "run", "--quiet", "--from", PIP_AUDIT, "pip-audit", *given, *quiet, seconds=ASK_SECONDS)
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return None, done.stderr
    return told, done.stderr


def findings(told: dict[str, Any]) -> list[str]:
    """A line for each advisory that is about what we bring along."""
    return [
        f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no release'}"
        for one in told["dependencies"]
        for found in one.get("vulns", ())
    ]


def not_asked(told: dict[str, Any]) -> list[str]:
    """What the database does not know."""
    return [one["name"] for one in told["dependencies"] if "skip_reason" in one]


def report(told: dict[str, Any] | None, said: str) -> int:
    """Say what was found. Exit code: 1 for a finding."""
    if told is None:
        print(f"ADVISORIES WERE NOT READ: {said.strip()[-500:]}", file=sys.stderr)
        return 0
    unknown, found = not_asked(told), findings(told)
    for line in found:
        print(line, file=sys.stderr)
    known = len(told["dependencies"]) - len(unknown)
    if unknown:
        print(f"ADVISORIES WERE NOT READ of what PyPI's database does not know: {', '.join(unknown)}", file=sys.stderr)
    print(f"{known} packages asked for, {len(found)} advisories")
    return 1 if found else 0


def main(arguments: Sequence[str]) -> int:
    argparse.ArgumentParser(prog="python -m scripts.audit", description=__doc__).parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pounce-audit-") as folder:
        try:
            told, said = ask(Path(folder))
        except subprocess.TimeoutExpired as late:
            told, said = None, f"no answer within {late.timeout:g} s"
    return report(told, said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
