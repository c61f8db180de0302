"""The public case table for HTTP/1.1 request engines: ``CASES``, in the order of their subjects.

Each ``Case`` holds the bytes, what must follow from them, and the clause. Feed them with ``feedings()``, write down
the outcome with ``observe()``, and compare; ``h11`` says where an engine over h11 rightly differs.
"""

from __future__ import annotations

from dataclasses import replace

from pounce_http1.testing.case import Case, Difference, Request
from pounce_http1.testing.chunked import CHUNKED_CASES
from pounce_http1.testing.connection import CONNECTION_CASES
from pounce_http1.testing.fields import FIELD_CASES
from pounce_http1.testing.framing import FRAMING_CASES
from pounce_http1.testing.h11_differences import H11_DIFFERENCES
from pounce_http1.testing.hosts import HOST_CASES
from pounce_http1.testing.limits import LIMIT_CASES
from pounce_http1.testing.pipelining import PIPELINING_CASES
from pounce_http1.testing.request_line import REQUEST_LINE_CASES
from pounce_http1.testing.targets import TARGET_CASES
from pounce_http1.testing.trailers import TRAILER_CASES

__all__ = ["CASES", "Case", "Difference", "Request"]

CASES: tuple[Case, ...] = tuple(
    replace(case, h11=H11_DIFFERENCES.get(case.name))
    for case in (
        *REQUEST_LINE_CASES,
        *TARGET_CASES,
        *HOST_CASES,
        *FIELD_CASES,
        *FRAMING_CASES,
        *CHUNKED_CASES,
        *TRAILER_CASES,
        *LIMIT_CASES,
        *CONNECTION_CASES,
        *PIPELINING_CASES,
    )
)
