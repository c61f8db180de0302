"""For those who test an HTTP/1.1 engine: a table of cases, the ways to feed them, and a way to compare."""

from __future__ import annotations

from pounce_http1.testing.case import Case, Difference, Request
from pounce_http1.testing.cases import CASES
from pounce_http1.testing.outcome import Engine, HeadFirst, Outcome, feedings, observe

__all__ = ["CASES", "Case", "Difference", "Engine", "HeadFirst", "Outcome", "Request", "feedings", "observe"]
