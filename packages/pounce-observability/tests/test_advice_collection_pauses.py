"""Collections of garbage, as the collector tells of them."""

from __future__ import annotations

import gc

from pounce_observability.advice.collection_pauses import CollectionPauses


def test_long_ones_are_noted_and_taken_once() -> None:
    now, cpu = [100.0], [7.0]
    pauses = CollectionPauses(least=0.01, clock=lambda: now[0], cpu=lambda: cpu[0])
    for seconds in (0.005, 0.5):
        pauses.collecting("start", {"generation": 2})
        now[0] += seconds
        cpu[0] += seconds / 4
        pauses.collecting("stop", {"generation": 2, "collected": 0})
    (pause,) = pauses.take()
    assert pause.began == 100.005
    assert round(pause.seconds, 6) == 0.5
    assert round(pause.cpu, 6) == 0.125
    assert pause.generation == 2
    assert not pause.own
    assert pauses.take() == []


def test_one_that_began_before_is_passed_over() -> None:
    pauses = CollectionPauses(least=0.0)
    pauses.collecting("stop", {"generation": 0})
    assert pauses.take() == []


def test_the_collector_of_this_process_is_heard() -> None:
    pauses = CollectionPauses(least=0.0)
    pauses.install()
    try:
        gc.collect()
    finally:
        pauses.remove()
    assert any(pause.generation == 2 for pause in pauses.take())
    gc.collect()
    assert pauses.take() == []
    pauses.remove()


def test_those_that_the_server_asks_for_are_marked() -> None:
    pauses = CollectionPauses(least=0.0)
    gc.disable()  # a collection of its own accord would be one more
    pauses.install()
    try:
        exec("import gc; gc.collect()", {"__own_collections__": True})  # a module of the server, in short
        gc.collect()
    finally:
        pauses.remove()
        gc.enable()
    assert [pause.own for pause in pauses.take()] == [True, False]
