"""A campaign: ``python -m tests.stress --minutes 20 --seed 1``. See docs/security/free-threading.md.

Exit status 1 means that there are finds; each is shown with its name and seed, which do it again: ``--only NAME --run
SEED``.
"""

from __future__ import annotations

import argparse
import logging
import sys

from tests.stress.campaign import Campaign

__all__ = ["main"]


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="the same draws the same runs")
    parser.add_argument("--only", default="", help="one subject, or server:KIND")
    parser.add_argument("--run", type=int, help="one run under this seed, of what --only names")
    parser.add_argument("--watch", action="store_true", help="servers tell which attributes several threads write")
    parser.add_argument("--python", action="append", default=[], help="an option of servers' interpreters: -Xdev")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    flags = ("-Xfaulthandler", *options.python)
    campaign = Campaign(options.seed, flags=flags, watch=options.watch, only=options.only)
    if options.run is not None:
        campaign.run_one(options.only, options.run)
    else:
        campaign.run(options.minutes * 60, lambda line: print(line, flush=True))
    campaign.report(print)
    return 1 if campaign.finds else 0


if __name__ == "__main__":
    sys.exit(main())
