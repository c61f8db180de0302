"""Texts of values, within bounds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from pounce_middleware.error_page.redaction import HIDDEN, Redaction
from pounce_middleware.error_page.values import LONGEST_TEXT, collect_secrets, is_hidden, show

NOTHING = Redaction(environment={})


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error


class NoText:
    def __repr__(self) -> Any:
        return 7


class LongText:
    def __repr__(self) -> str:
        return "x" * 10_000_000


class OwnDict(dict[str, int]):
    def __repr__(self) -> str:
        return "mine"


class Text(str):
    __slots__ = ()

    def __getitem__(self, key: Any) -> str:
        raise RuntimeError


class OwnText:
    def __repr__(self) -> str:
        return Text("fine")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value, value]
    return value


ME: list[Any] = [1]
ME.append(ME)
MAPPING: dict[str, Any] = {}
MAPPING["me"] = MAPPING

SHOWN = [
    (None, "None"),
    (True, "True"),
    (1.5, "1.5"),
    ("a'b", '"a\'b"'),
    (b"\x00", "b'\\x00'"),
    ([], "[]"),
    ((), "()"),
    ({}, "{}"),
    (set(), "set()"),
    (frozenset(), "frozenset()"),
    ((1,), "(1,)"),
    ([1, "a"], "[1, 'a']"),
    ({1}, "{1}"),
    (frozenset({1}), "frozenset({1})"),
    ({"a": [1]}, "{'a': [1]}"),
    (ME, "[1, [\u2026]]"),
    (MAPPING, "{'me': {\u2026}}"),
    (nested(9), None),
    (1 << 100_000, "<a number of 100001 bits>"),
    ("x" * 1000, "'" + "x" * 600 + "'\u2026 (1,000 characters)"),
    (b"x" * 1000, "b'" + "x" * 600 + "'\u2026 (1,000 bytes)"),
    (list(range(1000)), "[" + ", ".join(map(str, range(40))) + ", \u2026 (1,000 in all)]"),
    (OwnDict(a=1), "mine"),
    (OwnText(), "fine"),
    (Raises(ValueError("x")), "<test_error_page_values.Raises object; its __repr__ raised ValueError>"),
    (Raises(SystemExit()), "<test_error_page_values.Raises object; its __repr__ raised SystemExit>"),
    (Raises(RecursionError()), "<test_error_page_values.Raises object; its __repr__ raised RecursionError>"),
    ([Raises(ValueError("x"))], "[<test_error_page_values.Raises object; its __repr__ raised ValueError>]"),
    (NoText(), "<test_error_page_values.NoText object; its __repr__ raised TypeError>"),
    (LongText(), "x" * LONGEST_TEXT + "\u2026"),
]


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=[str(index) for index in range(len(SHOWN))])
def test_texts(value: object, text: str | None) -> None:
    begin = time.process_time()
    shown = show(value, NOTHING)
    assert time.process_time() - begin < 0.5
    assert len(shown) <= LONGEST_TEXT + 1
    # The name of this module is another one under each way to import it.
    assert text is None or shown.replace(f"{__name__}.", "test_error_page_values.") == text


HIDDEN_IN = [
    ({"password": "hunter2"}, "{'password': " + HIDDEN + "}"),
    ({"password": ""}, "{'password': ''}"),
    ({"password": None}, "{'password': None}"),
    ([(b"authorization", b"x"), (b"accept", b"y")], "[(b'authorization', " + HIDDEN + "), (b'accept', b'y')]"),
    (("x-api-key", "v"), "('x-api-key', " + HIDDEN + ")"),
    ({"a": {"client_secret": ["x"]}}, "{'a': {'client_secret': " + HIDDEN + "}}"),
    ({"pin": 1234}, "{'pin': " + HIDDEN + "}"),
    ({"opinion": 1234}, "{'opinion': 1234}"),
    ("password='a b' x", "\"password='" + HIDDEN + "' x\""),
    ("https://me:secret@host/", "'https://me:" + HIDDEN + "@host/'"),
]


@pytest.mark.parametrize(("value", "text"), HIDDEN_IN)
def test_secrets(value: object, text: str) -> None:
    assert show(value, NOTHING) == text


class BrokenMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        return iter(["password"])

    def __len__(self) -> int:
        return 1


class Unbound:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("outside of a request")


# The name of a variable, its value, the secrets and the other texts in it.
COLLECTED = [
    ("password", "hunter2hunter2", ["hunter2hunter2"], []),
    ("tokens", ["first-token", ("second-token", b"third-token")], ["first-token", "second-token", "third-token"], []),
    ("secrets", {"host": "in-secrets", "x": [{"y": "deep-in-it"}]}, ["in-secrets", "deep-in-it"], []),
    ("config", {"db": {"password": "nested-secret"}, "host": "db.example"}, ["nested-secret"], ["db.example"]),
    ("config", MappingProxyType({"api_key": ["listed-secret"]}), ["listed-secret"], []),
    ("config", [{"a": [{"api_key": "in-a-list"}]}, {"name": "innocent"}], ["in-a-list"], ["innocent"]),
    ("headers", [(b"authorization", b"of-header"), (b"accept", b"text/html")], ["of-header"], ["text/html"]),
    ("password", {"set-of-one"}, ["set-of-one"], []),
]


@pytest.mark.parametrize(("name", "value", "secrets", "others"), COLLECTED)
def test_secrets_are_collected_however_nested(name: str, value: Any, secrets: list[str], others: list[str]) -> None:
    redaction = Redaction(environment={})
    collect_secrets(name, value, redaction)
    for text in secrets:
        assert redaction.text(f"it was {text}.") == f"it was {HIDDEN}."
    for text in others:
        assert redaction.text(f"it was {text}.") == f"it was {text}."


def test_a_proxy_without_its_object_is_not_asked_for_it() -> None:
    assert not is_hidden("session", Unbound())
    collect_secrets("session", Unbound(), Redaction(environment={}))


def test_collecting_is_bounded_and_never_raises() -> None:
    begin = time.process_time()
    for value in (ME, MAPPING, nested(200), [[0] * 100_000] * 100_000, BrokenMapping(), [BrokenMapping(), Unbound()]):
        collect_secrets("config", value, Redaction(environment={}))
        collect_secrets("password", value, Redaction(environment={}))
    assert time.process_time() - begin < 0.5


def test_a_container_that_changes_meanwhile() -> None:
    class Grows:
        def __repr__(self) -> str:
            mapping[len(mapping)] = 1
            return "grown"

    mapping: dict[Any, Any] = {}
    mapping |= {"a": Grows(), "b": 1}
    assert "cannot be shown: RuntimeError" in show(mapping, NOTHING)
