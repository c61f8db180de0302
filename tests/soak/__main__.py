"""``python -m tests.soak``: a soak for as long as is wanted; see docs/security/soak.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.soak.campaign import Plan, soak
from tests.soak.report import report


def main() -> int:
    """1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--worker-kind", choices=("thread", "process"), default="thread")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leak", default="", help="memory, descriptor, task, thread: what is to be found")
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and samples; else they are thrown away")
    given = parser.parse_args()
    plan = Plan.of_minutes(
        given.minutes, workers=given.workers, kind=given.worker_kind, seed=given.seed, leak=given.leak
    )
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        result = soak(plan, folder, lambda line: print(line, flush=True))
        (folder / "result.json").write_text(json.dumps(asdict(result), indent=1))
    print(report(result))
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
