"""The wall clock jumps: by an operator's hand, by NTP, after a sleep. Nothing may depend on it but what tells the time.

Deadlines, budgets and rates go by the monotonic clock. So each file that asks for the time of day is listed with what
for; a new one is a question to whoever adds it.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES: Final = Path(__file__).parent.parent / "packages"

TELLS_THE_TIME: Final = {
    "pounce_asgi/exchange_context.py": "the Date field, made anew whenever the second is another one",
    "pounce_asgi/exchange_report.py": "the time in records",
    "pounce_asgi/incidents.py": "the time in records",
    "pounce_asgi/request_id.py": "a UUIDv7 begins with it; ids of one process rise even when it goes back",
    "pounce_asgi/websocket_report.py": "the time in records",
    "pounce_middleware/static/answer.py": "whether an If-Range date is a strong validator",
    "pounce_middleware/static/representation.py": "a Last-Modified is never in the future (RFC 9110, 8.8.2.1)",
    "pounce_observability/introspection/app.py": "the time of a report",
    "pounce_observability/tracing/http_trace.py": "the time in spans",
    "pounce_observability/tracing/telemetry.py": "the time in spans",
    "pounce_workers/net/tls_contexts.py": "whether a certificate has expired, for a warning",
    "pounce_workers/serving/http1_wire.py": "the time in records",
}
WALL_CLOCKS: Final = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
}


def askers() -> Iterator[str]:
    for path in PACKAGES.glob("*/src/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if (node.value.id, node.attr) in WALL_CLOCKS:
                    yield path.relative_to(path.parents[len(path.parts) - path.parts.index("src") - 2]).as_posix()
            elif isinstance(node, ast.ImportFrom) and node.module == "time":
                assert not {alias.name for alias in node.names} & {"time", "time_ns"}, path


def test_nobody_else_asks_for_the_time_of_day() -> None:
    assert set(askers()) == set(TELLS_THE_TIME)
