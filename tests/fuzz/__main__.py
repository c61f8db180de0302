"""A campaign: ``python -m tests.fuzz TARGET --seconds 300``. See docs/security/fuzzing.md.

Exit status 1 means that there are finds; each is shown with its input.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import warnings
from pathlib import Path
from typing import Any, Final

__all__ = ["main"]

INSTRUMENTED: Final = [
    *("pounce", "pounce_asgi", "pounce_compression", "pounce_h2", "pounce_h3", "pounce_http1", "pounce_middleware"),
    *("pounce_websocket", "pounce_workers", "h11", "h2", "hpack", "hyperframe", "wsproto"),
]


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", help="the name of a target, or 'list'")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the generator; the same makes the same inputs")
    parser.add_argument("--atheris", action="store_true", help="with atheris, which has to be installed")
    parser.add_argument("--input", type=Path, help="check the bytes of this file, and nothing else")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error")
    if options.atheris:
        # What is imported from here on tells libFuzzer which lines are reached.
        atheris: Any = importlib.import_module("atheris")
        with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
            importlib.import_module("tests.fuzz.targets")
    from tests.fuzz.campaign import Campaign
    from tests.fuzz.targets import TARGETS

    if options.target == "list":
        for target in TARGETS.values():
            print(f"{target.name:16} {target.promises}")
        return 0
    if options.target not in TARGETS:
        parser.error(f"there is no target {options.target!r}; there are {', '.join(TARGETS)}")
    campaign = Campaign(TARGETS[options.target], seed=options.seed)
    if options.input is not None:
        campaign.target.check(options.input.read_bytes())
        return 0
    if options.atheris:
        campaign.run_atheris(seconds=options.seconds, folder=Path(".fuzz", campaign.target.name), say=print)
    else:
        campaign.run(seconds=options.seconds)
        campaign.report(print)
    return 1 if campaign.finds else 0


if __name__ == "__main__":
    sys.exit(main())
