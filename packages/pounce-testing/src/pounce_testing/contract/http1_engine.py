"""The contract of an HTTP/1.1 request parser: the table of cases, fed in every way in which a socket delivers bytes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import pytest

from pounce_http1.testing import CASES, Case, Outcome, feedings, observe

if TYPE_CHECKING:
    from pounce_http1 import Limits
    from pounce_http1.testing import Difference, Engine, Request

__all__ = ["Http1EngineContract", "matches"]


class Http1EngineContract:
    """Derive a test class from it. What an engine is: `pounce_http1.testing.Engine`."""

    @abstractmethod
    def make_engine(self, limits: Limits) -> Engine:
        """A parser for one connection."""

    def expected(self, case: Case) -> Case | Difference:
        """What must come of a case: an engine that rightly makes something else of it says what, and why."""
        return case

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
    def test_case(self, case: Case) -> None:
        """Requests, refusal and waiting are those of the case, however its bytes are cut."""
        expected = self.expected(case)
        for pieces in feedings(case.wire):
            outcome = observe(self.make_engine(case.limits), pieces)
            status = outcome.error.status if outcome.error is not None else None
            assert status == expected.status, f"{case.reason}: {pieces}"
            assert matches(outcome, expected.requests), f"{case.reason}: {outcome} from {pieces}"
            assert outcome.waiting == expected.waiting, f"{case.reason}: {pieces}"


def matches(outcome: Outcome, requests: tuple[Request, ...]) -> bool:
    """Whether these requests were read, as far as a case cares."""
    if len(outcome.requests) != len(requests):
        return False
    for got, head, expected in zip(outcome.requests, outcome.heads, requests, strict=True):
        same = (got.method, got.target, got.body, got.complete, got.trailers) == (
            expected.method,
            expected.target,
            expected.body,
            expected.complete,
            expected.trailers,
        )
        fields = expected.headers is None or got.headers == expected.headers
        if not (same and fields and all(getattr(head, name) == value for name, value in expected.facts)):
            return False
    return True
