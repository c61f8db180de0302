"""Messages as JSON, read as a tool for logs reads them."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

import pytest

from pounce_observability.logging_setup import JsonFormatter, current_request_id
from pounce_observability.logging_setup.log_context import current_worker


def record(message: str = "hello %s", *values: object, **attributes: Any) -> logging.LogRecord:
    made = logging.LogRecord("pounce.server", logging.WARNING, __file__, 1, message, values or ("you",), None)
    made.created = 1_795_266_573.900123
    vars(made).update(attributes)
    return made


def shown(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(made)
    assert line.isascii()
    assert line.isprintable()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


PLAIN = {
    "time": "2026-11-21T13:09:33.900123Z",
    "level": "WARNING",
    "logger": "pounce.server",
    "message": "hello you",
    "process": os.getpid(),
}


@pytest.mark.parametrize(
    ("made", "differences"),
    [
        (record(), {}),
        (record("%d%%", 3), {"message": "3%"}),
        (record("a\nb\x1b\x7f\u2028 ü \ud800%s", ""), {"message": "a\nb\x1b\x7f\u2028 ü \ud800"}),
        (record(order=7, where=("a", 1)), {"order": 7, "where": ["a", 1]}),
        (record(what=ValueError("x")), {"what": "x"}),
        (record(level="mine", request_id="id-1"), {"request_id": "id-1"}),
        (record(stack_info="Stack:\n  here"), {"stack": "Stack:\n  here"}),
    ],
)
def test_fields(made: logging.LogRecord, differences: dict[str, Any]) -> None:
    assert shown(made) == PLAIN | differences


def test_exceptions() -> None:
    try:
        raise ValueError("größer")
    except ValueError:
        made = record(exc_info=sys.exc_info())
    for _ in range(2):  # the second handler finds it made
        exception = shown(made)["exception"]
        assert exception.startswith("Traceback (most recent call last):\n")
        assert exception.endswith("ValueError: größer")


def test_what_is_no_json_does_not_lose_the_message() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert shown(record(circle=circle)) == PLAIN | {"circle": "[[...]]"}
    assert shown(record(keys={(1, 2): 3})) == PLAIN | {"keys": "{(1, 2): 3}"}
    assert shown(record(number=float("nan"))) == PLAIN | {"number": "nan"}


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("outside of a request")


def test_what_cannot_be_shown_does_not_lose_the_message() -> None:
    found = shown(record(proxy=Unshowable(), order=7))
    assert found == PLAIN | {"proxy": "<Unshowable that cannot be shown: RuntimeError>", "order": "7"}


def test_worker_and_request() -> None:
    worker, request = current_worker.set(4), current_request_id.set("id-2")
    try:
        assert shown(record()) == PLAIN | {"worker": 4, "request_id": "id-2"}
        assert shown(record(request_id="own"))["request_id"] == "own"
    finally:
        current_worker.reset(worker)
        current_request_id.reset(request)
