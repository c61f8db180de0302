"""Every parser that is installed reads the same bytes: no difference without an explanation (explanations.py)."""

from __future__ import annotations

from tests.fuzz.difference import compare
from tests.fuzz.explanations import explain
from tests.fuzz.foreign_parsers import PARSERS, read_ours
from tests.fuzz.http1_requests import DICTIONARY, SEEDS
from tests.fuzz.target import Target

__all__ = ["PARSER_DIFFERENCES"]


def _check(data: bytes) -> None:
    ours = read_ours(data)
    for name, read in PARSERS.items():
        difference = compare(ours, read(data))
        if difference is not None and explain(name, difference) is None:
            raise AssertionError(f"{name}: {difference.kind}, {difference.what}")


PARSER_DIFFERENCES = Target(
    name="differences",
    promises="no other parser reads the bytes otherwise without a reason",
    check=_check,
    seeds=SEEDS,
    dictionary=DICTIONARY,
    modules=("pounce_http1",),
    rounds=600,
)
