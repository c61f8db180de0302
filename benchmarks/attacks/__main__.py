"""What an ordinary client notices of an attack on the same server, and what that costs the server.

    python -m benchmarks.attacks                                  every attack, about 25 minutes
    python -m benchmarks.attacks --rounds 1 --only "slow heads,HTTP/2 PING"
    python -m benchmarks.attacks --markdown --json attacks.json   the table of the documentation
    python -m benchmarks.attacks --idle 10000                     memory of an idle connection, on each wire
    python -m benchmarks.attacks --keys 1000000                   a rate limit with so many clients

One worker. The good client asks on one connection kept open, before each attack and during it, calm and attacked in
turn; the figures are medians of the rounds. Where slowhttptest is installed its four ways are tried, too, and its word
counts: whether it found the server available.

"p99" is what the good client waits. On a machine where server, attackers and others share the cores that says
little of the server, so the calm rounds are compared with one another, and where they do not agree it is not judged.
"work" is the processor time that the server has used between a request and its answer, for whomever.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.attacks import slowhttptest
from benchmarks.attacks.catalogue import ATTACKS, lacking
from benchmarks.attacks.idle import MOST_IDLE, WIRES, idle
from benchmarks.attacks.keys import keys
from benchmarks.attacks.report import as_json, line, markdown, noise
from benchmarks.attacks.rounds import measure
from benchmarks.machine import describe_machine
from benchmarks.servers import find_program


def chosen(only: str | None) -> list[str]:
    """Those that can be tried here; says which cannot."""
    known = {name: lacking(attack) for name, attack in ATTACKS.items()}
    known |= dict.fromkeys(slowhttptest.MODES, None if find_program("slowhttptest") else "slowhttptest")
    names = [one.strip() for one in only.split(",")] if only else list(known)
    if unknown := [one for one in names if one not in known]:
        raise SystemExit(f"no such attack: {', '.join(unknown)}; there are: {', '.join(known)}")
    for name in names:
        if known[name]:
            print(f"NOT TRIED: {name}: it takes {known[name]}", file=sys.stderr)
    return [name for name in names if not known[name]]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.attacks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.6, help="of each turn of the good client")
    parser.add_argument("--only", metavar="NAME,…", help="these attacks alone")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/security/attacks.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--idle", type=int, metavar="CONNECTIONS")
    parser.add_argument("--keys", type=int, metavar="CLIENTS")
    given = parser.parse_args()
    machine = f"{describe_machine()}; Python {sys.version.split()[0]}{'' if gil() else ', free-threaded'}"
    print(machine, file=sys.stderr)
    if given.idle:
        each = {wire: idle(wire, given.idle) for wire in WIRES}
        return int(each["HTTP/1.1"] > MOST_IDLE)
    if given.keys:
        return int(not keys(given.keys))
    figures = []
    for name in chosen(given.only):
        figures.append(measure(name, given.seconds, given.rounds))
        print(line(figures[-1]), file=sys.stdout if not given.markdown else sys.stderr, flush=True)
        if given.json:
            given.json.write_text(as_json(figures, {"machine": machine, "rounds": given.rounds}))
    if given.markdown:
        print(markdown(figures))
    print(noise(figures), file=sys.stderr)
    return int(any(one.faults for one in figures))


def gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", bool)()) or not hasattr(sys, "_is_gil_enabled")


if __name__ == "__main__":
    sys.exit(main())
