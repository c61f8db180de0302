"""The table of raw HTTP/1.1 requests as data: bytes, and what must follow from them, with the clause.

``CASES`` is for Python; ``python -m pounce_testing.cases`` prints it as JSON for everything else. `Http1EngineContract`
runs it against a parser; ``feedings()`` gives every way in which a socket can deliver bytes.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import sys
from typing import Any

from pounce_http1.testing import CASES, Case, feedings

__all__ = ["CASES", "Case", "as_json", "feedings"]


def as_json(case: Case) -> dict[str, Any]:
    """A case with its bytes in base64. ``status`` is null where nothing is refused, ``body`` where there is none.

    ``limits`` are those that differ from the usual ones.
    """
    usual = type(case.limits)()
    limits = dataclasses.asdict(case.limits)
    return {
        "name": case.name,
        "reason": case.reason,
        "wire": _text(case.wire),
        "status": case.status,
        "waiting": case.waiting,
        "limits": {name: value for name, value in limits.items() if value != getattr(usual, name)},
        "requests": [
            {
                "method": request.method,
                "target": _text(request.target),
                "headers": None if request.headers is None else _pairs(request.headers),
                "body": None if request.body is None else _text(request.body),
                "complete": request.complete,
                "trailers": _pairs(request.trailers),
            }
            for request in case.requests
        ],
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _pairs(fields: tuple[tuple[bytes, bytes], ...]) -> list[list[str]]:
    return [[_text(name), _text(value)] for name, value in fields]


if __name__ == "__main__":
    json.dump([as_json(case) for case in CASES], sys.stdout, indent=1)
