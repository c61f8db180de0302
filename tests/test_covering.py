"""What is left out of a run is what others say."""

from __future__ import annotations

import pytest

from pounce_testing import VARIANTS
from tests.covering import WAYS_FOR_A_ROW, by_turns, covering, dimensions

WAYS = [variant.name for variant in VARIANTS]


@pytest.mark.parametrize("start", range(len(WAYS)))
def test_each_value_of_each_dimension_is_met_and_no_kind_twice(start: int) -> None:
    chosen = covering(WAYS, start)
    assert {value for way in chosen for value in dimensions(way)} == {v for way in WAYS for v in dimensions(way)}
    kinds = [way.partition("-")[0] for way in chosen]
    assert sorted(kinds) == sorted(set(kinds))


def test_files_differ_and_together_meet_nearly_everything() -> None:
    assert {way for start in range(len(WAYS)) for way in covering(WAYS, start)} >= {
        way for way in WAYS if not way.endswith("-h11")
    }


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 108])
def test_each_row_has_two_ways_and_each_way_its_turn(rows: int) -> None:
    ways = covering(WAYS)
    turns = list(by_turns(rows, ways))
    assert len(turns) == rows
    assert all(len(set(turn)) == len(turn) >= WAYS_FOR_A_ROW for turn in turns)
    assert {way for turn in turns for way in turn} == set(ways)


def test_one_way_is_enough_where_there_is_no_other() -> None:
    assert list(by_turns(2, covering(["asyncio-tls"]))) == [["asyncio-tls"]] * 2
