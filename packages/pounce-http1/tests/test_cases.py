"""The case table judges both engines, for every way in which a socket can deliver the bytes."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from pounce_http1 import HeaderMemo, IncompleteRequest, Limits, RequestReader
from pounce_http1.testing import CASES, Case, Engine, HeadFirst, Outcome, Request, feedings, observe

Make = Callable[[Limits], Engine]

TURNS = 3
"""Of the ways to deliver a case one in so many, where the fast reader is asked in another manner, or h11: it is in the
reader itself that each cut may go wrong, and that meets them all.
"""


def _fast(limits: Limits) -> Engine:
    return RequestReader(limits)


@functools.cache
def _memo(limits: Limits) -> HeaderMemo:
    """One for all connections, as in a worker: a case must not depend on what others sent."""
    return HeaderMemo()


def _remembering(limits: Limits) -> Engine:
    return RequestReader(limits, _memo(limits))


def _h11(limits: Limits) -> Engine:
    from pounce_http1.h11_engine import H11RequestReader

    return HeadFirst(H11RequestReader(limits))


def _head_first(limits: Limits) -> Engine:
    return HeadFirst(RequestReader(limits, _memo(limits)))


def _matches(outcome: Outcome, requests: tuple[Request, ...]) -> bool:
    return len(outcome.requests) == len(requests) and all(
        _request_matches(outcome, index, expected) for index, expected in enumerate(requests)
    )


def _request_matches(outcome: Outcome, index: int, expected: Request) -> bool:
    got, head = outcome.requests[index], outcome.heads[index]
    return (
        (got.method, got.target, got.body, got.complete, got.trailers)
        == (expected.method, expected.target, expected.body, expected.complete, expected.trailers)
        and (expected.headers is None or got.headers == expected.headers)
        and all(getattr(head, name) == value for name, value in expected.facts)
    )


def _by_turns(case: Case) -> Iterator[list[bytes]]:
    """A part of the ways to deliver its bytes, another for each case."""
    return itertools.islice(feedings(case.wire), len(case.name) % TURNS, None, TURNS)


@pytest.mark.parametrize("make", [_fast, _remembering, _head_first])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fast_engine(case: Case, make: Make) -> None:
    for pieces in feedings(case.wire) if make is _fast else _by_turns(case):
        outcome = observe(make(case.limits), pieces)
        assert type(outcome.error) is (type(None) if case.error is None else case.error), pieces
        assert _matches(outcome, case.requests), (outcome, pieces)
        assert outcome.waiting == case.waiting, pieces


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_that_comes_again_and_again(case: Case) -> None:
    """Now its fields are remembered."""
    if case.requests and case.error is None and not case.waiting:
        outcome = observe(_head_first(case.limits), [case.wire] * 5)
        assert outcome.error is None
        assert _matches(outcome, case.requests * 5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_h11_engine(case: Case) -> None:
    pytest.importorskip("h11")
    expected = case.h11 or case
    for pieces in _by_turns(case):
        outcome = observe(_h11(case.limits), pieces)
        assert (outcome.error and outcome.error.status) == expected.status, (outcome, pieces)
        assert _matches(outcome, expected.requests), (outcome, pieces)
        assert outcome.waiting == expected.waiting, pieces


@pytest.mark.parametrize("case", [case for case in CASES if case.h11], ids=lambda case: case.name)
def test_a_noted_difference_is_one(case: Case) -> None:
    assert case.h11 is not None
    assert case.h11.why
    same = (case.h11.requests, case.h11.status, case.h11.waiting) == (case.requests, case.status, case.waiting)
    assert not same, "the note is stale"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_error_is_raised_again(case: Case) -> None:
    reader = RequestReader(case.limits)
    outcome = observe(reader, [case.wire])
    if outcome.error is None:
        return
    assert reader.buffered == 0
    reader.receive_data(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(type(outcome.error)) as again:
        reader.maybe_next_event()
    assert again.value is outcome.error
    reader.receive_eof()
    assert not isinstance(outcome.error, IncompleteRequest)


def test_table_is_large_and_names_are_unique() -> None:
    assert len(CASES) >= 300
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    assert all(case.reason for case in CASES)


def test_notes_on_h11_belong_to_cases() -> None:
    from pounce_http1.testing.h11_differences import H11_DIFFERENCES

    assert set(H11_DIFFERENCES) <= {case.name for case in CASES}


def test_every_error_class_has_a_case() -> None:
    from pounce_http1 import errors

    def leaves(cls: type[errors.RemoteProtocolError]) -> set[type[errors.RemoteProtocolError]]:
        below = set(cls.__subclasses__())
        return set().union(*(leaves(sub) for sub in below)) if below else {cls}

    missing = leaves(errors.RemoteProtocolError) - {case.error for case in CASES}
    assert missing == {IncompleteRequest}  # raised for each case that is waiting
