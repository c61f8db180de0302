"""One place for each time, and both kinds of buckets from the places."""

from __future__ import annotations

import math
from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from pounce_observability.metrics.buckets import (
    SCHEMA,
    ZERO_THRESHOLD,
    Layout,
    NativeBuckets,
    classic_counts,
    native_buckets,
)

CLASSIC = (0.001, 0.03, 0.25, 1.0, 7.5, 100_000.0)
LAYOUT = Layout(CLASSIC)
times = st.lists(st.floats(0, 65_536) | st.sampled_from([*LAYOUT.bounds]).filter(lambda time: time <= 65_536))


def counted(seconds: list[float]) -> dict[str, int]:
    counts = [0] * LAYOUT.places
    for one in seconds:
        counts[bisect_left(LAYOUT.bounds, one)] += 1
    return LAYOUT.sparse(counts)


@given(times)
def test_classic_buckets_are_as_if_counted_by_themselves(seconds: list[float]) -> None:
    expected = [sum(one <= bound for one in seconds) for bound in (*CLASSIC, math.inf)]
    assert classic_counts(counted(seconds), CLASSIC) == expected


@given(times)
def test_native_buckets_are_as_prometheus_defines_them(seconds: list[float]) -> None:
    native = native_buckets(counted(seconds))
    assert native.zero == sum(one <= ZERO_THRESHOLD for one in seconds)
    assert native.zero + sum(native.positive.values()) == len(seconds)
    for index, count in native.positive.items():
        low, high = (2.0 ** ((index + shift) / 2**SCHEMA) for shift in (-1, 0))
        # The bounds are rounded, so what is next to one may be on either side here.
        within = sum(low * (1 + 1e-12) < one < high * (1 - 1e-12) for one in seconds)
        about = sum(low * (1 - 1e-12) < one < high * (1 + 1e-12) for one in seconds)
        assert within <= count <= about


def test_what_takes_more_than_18_hours_is_in_the_bucket_after_the_last() -> None:
    assert native_buckets(counted([65_536.0])).positive == {16 * 8: 1}
    assert native_buckets(counted([65_537.0, 99_999.0, 1e6, math.inf])).positive == {16 * 8 + 1: 4}
    assert classic_counts(counted([65_537.0, 1e6]), CLASSIC)[-2:] == [1, 2]


def test_spans() -> None:
    assert NativeBuckets(0, {}).spans == []
    assert NativeBuckets(0, {-3: 5, -2: 1, 1: 2, 2: 7, 9: 1}).spans == [(-3, [5, 1]), (2, [2, 7]), (6, [1])]


def test_bounds_are_the_same_after_a_journey_as_text() -> None:
    assert tuple(map(float, LAYOUT.names)) == (*LAYOUT.bounds, math.inf)
