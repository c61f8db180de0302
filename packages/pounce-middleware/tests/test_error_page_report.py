"""What a report says of exceptions and of requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgi_doubles import http_scope

from pounce_middleware.error_page.frames import frames_of
from pounce_middleware.error_page.redaction import HIDDEN, Redaction
from pounce_middleware.error_page.report import CAUSE, CONTEXT, MOST_EXCEPTIONS, make_report
from pounce_middleware.error_page.request_data import request_data

NOTHING = Redaction(environment={})


def raised(function: Any, *arguments: Any) -> BaseException:
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001 - it is what the test is about
        return error
    raise AssertionError


def report(error: BaseException) -> Any:
    return make_report(error, http_scope(), b"", Redaction(environment={}))


def test_cause_and_context() -> None:
    def handled() -> None:
        try:
            raise ValueError("one")
        except ValueError as error:
            try:
                raise KeyError("two")
            except KeyError:
                raise TypeError("three") from error

    def hidden() -> None:
        try:
            raise ValueError("one")
        except ValueError:
            raise TypeError("two") from None

    def during() -> None:
        try:
            raise ValueError("one")
        except ValueError:
            raise TypeError("two")  # noqa: B904 - so that there is a context and no cause

    assert [(one.type_name, one.relation) for one in report(raised(handled)).chain] == [
        ("TypeError", ""),
        ("ValueError", CAUSE),
    ]
    assert [one.type_name for one in report(raised(hidden)).chain] == ["TypeError"]
    assert [(one.type_name, one.relation) for one in report(raised(during)).chain] == [
        ("TypeError", ""),
        ("ValueError", CONTEXT),
    ]


def test_circles_and_long_chains_end() -> None:
    first, second = ValueError("one"), ValueError("two")
    first.__cause__, second.__cause__ = second, first
    assert len(report(first).chain) == 2
    chain = ValueError("0")
    for number in range(100):
        longer = ValueError(str(number))
        longer.__cause__ = chain
        chain = longer
    assert len(report(chain).chain) == MOST_EXCEPTIONS


def test_an_exception_that_cannot_be_shown() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    found = report(OddError()).error
    assert found.message == "(its message cannot be had: __str__ raised RuntimeError)"
    assert found.type_name.endswith("OddError")


def test_long_messages_are_cut() -> None:
    assert len(report(ValueError("x" * 1_000_000)).error.message) < 5000
    assert len(report(ValueError("x" * 1_000_000)).text) <= 100_000


def test_where_in_the_line() -> None:
    def multiply(numbers: list[Any]) -> Any:
        é = 1
        return é * numbers[0] * numbers[1]["x"]

    (frame,) = frames_of(raised(multiply, [1, None]).__traceback__.tb_next, NOTHING)  # type: ignore[union-attr]
    (line,) = [line for line in frame.source if line.current]
    assert line.number == frame.line
    assert frame.span
    assert line.text[slice(*frame.span)] == 'numbers[1]["x"]'
    assert dict(frame.variables) == {"numbers": "[1, None]", "é": "1"}


def test_a_frame_without_source() -> None:
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile("def broken():\n    raise ValueError", "<generated>", "exec"), scope)
    (frame,) = frames_of(raised(scope["broken"]).__traceback__.tb_next, NOTHING)  # type: ignore[union-attr]
    assert frame.source == ()
    assert frame.shown_path == "<generated>"


def test_whose_code_it_is() -> None:
    frames = frames_of(raised(json.loads, "{").__traceback__, NOTHING)
    assert [frame.own for frame in frames] == [True, *(False for _ in frames[1:])]
    assert len(frames) > 1


def test_many_variables() -> None:
    names = "\n".join(f"    v{number} = {number}" for number in range(60))
    scope: dict[str, Any] = {}
    exec(f"def crowded():\n{names}\n    import os\n    raise ValueError", scope)
    (frame,) = frames_of(raised(scope["crowded"]).__traceback__.tb_next, NOTHING)  # type: ignore[union-attr]
    assert len(frame.variables) == 40
    assert frame.variables_left_out == 20


def test_secrets_of_an_outer_call_in_the_message_of_an_inner_one() -> None:
    def connect(dsn: str) -> None:
        inner_name = dsn[:]
        raise ValueError(f"cannot reach {inner_name}")

    found = report(raised(connect, "redis-somewhere-9999"))
    assert found.error.message == f"cannot reach {HIDDEN}"
    assert "redis-somewhere-9999" not in found.text


# Content type, body, what is shown of it.
BODIES = [
    (b"", b"", {}),
    (b"application/json", b'{"a": 1, "password": "x"}', {"a": "1", "password": HIDDEN}),
    (b"application/json; charset=utf-8", b"[1]", {"JSON": "[1]"}),
    (b"application/json", b"{", {"text": "{"}),
    (b"application/x-www-form-urlencoded", b"a=1&token=x&b=", {"a": "'1'", "token": HIDDEN, "b": "''"}),
    (b"text/plain", b"hello", {"text": "hello"}),
    (b"image/png", b"\x89PNG", {"first bytes": "4"}),
    (b"", b"\xff", {"first bytes": "1"}),
]


@pytest.mark.parametrize(("content_type", "body", "shown"), BODIES)
def test_bodies(content_type: bytes, body: bytes, shown: dict[str, str]) -> None:
    scope = http_scope(headers=[(b"content-type", content_type)])
    assert dict(request_data(scope, body, NOTHING).body) == shown


def test_request() -> None:
    scope = http_scope(
        query_string=b"a=b&token=x",
        headers=[(b"host", b"a.example"), (b"cookie", b"a=1; b=2"), (b"cookie", b"c"), (b"x-api-key", b"x")],
        path_params={"number": 7},
        state={"request_id": "id"},
        client=None,
    )
    found = request_data(scope, b"", NOTHING)
    assert found.url == f"http://a.example/items?a=b&token={HIDDEN}"
    assert found.query == (("a", "b"), ("token", HIDDEN))
    assert found.cookies == (("a", HIDDEN), ("b", HIDDEN), ("c", HIDDEN))
    assert dict(found.headers)["x-api-key"] == HIDDEN
    assert found.path_parameters == (("number", "7"),)
    assert (found.client, found.request_id) == ("over a UNIX socket", "id")
