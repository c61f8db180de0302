from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_compression.negotiation import accepted_codings, identity_is_refused, negotiate

ALL = ("zstd", "br", "gzip", "deflate")

CASES: list[tuple[str | None, tuple[str, ...], str | None]] = [
    # RFC 9110, 12.5.3: without the field anything would do, and nothing asks for the work
    (None, ALL, "identity"),
    ("", ALL, "identity"),
    # our order among equals, whatever theirs
    ("gzip, deflate, br, zstd", ALL, "zstd"),
    ("gzip, deflate, br", ALL, "br"),
    ("deflate, gzip", ALL, "gzip"),
    ("gzip, deflate, br, zstd", ("gzip", "br"), "gzip"),
    # theirs by weight
    ("gzip;q=1.0, br;q=0.9, zstd;q=0.8", ALL, "gzip"),
    ("br;q=0.001, gzip;q=0", ALL, "br"),
    ("gzip;q=0.5, deflate;q=0.501", ALL, "deflate"),
    # the star means what is not named
    ("*", ALL, "zstd"),
    ("*;q=0.5, gzip", ALL, "gzip"),
    ("zstd;q=0, *", ALL, "br"),
    ("zstd;q=0, br;q=0, gzip;q=0, deflate;q=0, *", ALL, "identity"),
    ("gzip, *;q=0", ALL, "gzip"),
    ("gzip, *;q=0", ("br",), None),
    ("*;q=0", ALL, None),
    ("*;q=0, identity", ALL, "identity"),
    # identity
    ("identity", ALL, "identity"),
    ("identity;q=0", ALL, None),
    ("identity;q=0, gzip", ALL, "gzip"),
    ("identity;q=0, compress", ALL, None),
    ("identity;q=0.5, gzip;q=0.4", ALL, "identity"),
    ("identity;q=0.5, gzip;q=0.5", ALL, "gzip"),
    ("identity, gzip", ALL, "gzip"),
    ("*;q=0.5, gzip;q=0.3", ("gzip",), "identity"),
    ("gzip", (), "identity"),
    ("identity;q=0", (), None),
    # names in any case, and the old one of gzip
    ("GZIP", ALL, "gzip"),
    ("x-gzip", ALL, "gzip"),
    ("x-gzip;q=0, gzip", ALL, "identity"),
    ("gzip;Q=0.5", ALL, "gzip"),
    # space and empty members, as lists have them (RFC 9110, 5.6.1)
    (" ,, gzip \t;\tq=0.5 ,", ALL, "gzip"),
    # what is no member is left out, and the others count
    ("gzip;q=2, br", ALL, "br"),
    ("gzip;q=0.1234, deflate", ALL, "deflate"),
    ("gzip;q=1.001, deflate", ALL, "deflate"),
    ("gzip;q=-1", ALL, "identity"),
    ("gzip;q=", ALL, "identity"),
    ("gzip;level=9", ALL, "identity"),
    ("gzip br", ALL, "identity"),
    ("gzip;q=1;q=0, br", ALL, "br"),
    ("\xb2zip, \u0663", ALL, "identity"),
    ("gzip;q=\u0661", ALL, "identity"),
    # refused anywhere is refused
    ("gzip, gzip;q=0", ALL, "identity"),
    # RFC 9842: old clients' stars know nothing of dictionaries
    ("*", ("dcz", "gzip"), "gzip"),
    ("dcz, gzip", ("dcz", "gzip"), "dcz"),
    # absurd lengths say nothing
    ("gzip, " + "x" * 3000, ALL, "identity"),
]


@pytest.mark.parametrize(("accept", "available", "wanted"), CASES)
def test_the_table(accept: str | None, available: tuple[str, ...], wanted: str | None) -> None:
    assert negotiate(accept, available) == wanted
    if accept is not None and accept.isascii():
        assert negotiate(accept.encode(), available) == wanted


@settings(deadline=None)
@given(st.one_of(st.text(), st.binary(), st.from_regex(r"([a-z*-]+(;q=[0-9.]{1,5})?,? ?){0,8}")), st.permutations(ALL))
def test_it_never_raises_and_what_it_says_is_acceptable(accept: str | bytes, available: list[str]) -> None:
    chosen = negotiate(accept, available)
    weights = accepted_codings(accept)
    if chosen is None:
        assert identity_is_refused(weights)
    elif chosen == "identity":
        assert weights.get("identity", weights.get("*", 1)) > 0
    else:
        assert weights.get(chosen, weights.get("*", 0)) > 0
        assert all(weights.get(other, weights.get("*", 0)) <= weights.get(chosen, weights.get("*", 0)) for other in ALL)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*ALL, "identity", "*"]), st.integers(0, 1000), min_size=1))
def test_weights_are_read_as_they_are_written(weights: dict[str, int]) -> None:
    field = ", ".join(f"{name};q={weight / 1000:.3f}" for name, weight in weights.items())
    assert accepted_codings(field) == weights


@pytest.mark.parametrize("unit", [",", "gzip,", ";q=", " ", "\t;", "gzip;q=0.", "*;q=1,", "a" * 20 + " "])
def test_work_on_huge_fields_is_bounded(unit: str) -> None:
    def seconds(length: int) -> float:
        field = (unit * length)[:length].encode()
        begun = time.perf_counter()
        for _ in range(20):
            negotiate(field, ALL)
        return (time.perf_counter() - begun) / 20

    fastest = [min(seconds(length) for _ in range(3)) for length in (2048, 1_000_000)]
    assert all(long < 0.01 + short for short, long in pairwise(fastest))
