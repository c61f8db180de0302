"""The ASGI types: complete at run time, and what a type checker makes of them."""

from __future__ import annotations

import pathlib
import re
import typing

import pytest

from pounce_asgi import types as asgi_types

TYPING = pathlib.Path(__file__).parent / "typing"

# Message type -> keys that may be left out. From the HTTP & WebSocket specification 2.5, the lifespan specification
# 2.0 and the documented extensions; receive events hold every key.
OPTIONAL_KEYS = {
    "http.request": set(),
    "http.disconnect": set(),
    "http.response.start": {"headers", "trailers"},
    "http.response.body": {"body", "more_body"},
    "http.response.trailers": {"headers", "more_trailers"},
    "http.response.early_hint": set(),
    "http.response.pathsend": set(),
    "http.response.zerocopysend": {"offset", "count", "more_body"},
    "http.response.push": set(),
    "http.response.debug": set(),
    "websocket.connect": set(),
    "websocket.accept": {"subprotocol", "headers"},
    "websocket.receive": {"bytes", "text"},
    "websocket.send": {"bytes", "text"},
    "websocket.disconnect": set(),
    "websocket.close": {"code", "reason"},
    "websocket.http.response.start": {"headers"},
    "websocket.http.response.body": {"body", "more_body"},
    "lifespan.startup": set(),
    "lifespan.startup.complete": set(),
    "lifespan.startup.failed": {"message"},
    "lifespan.shutdown": set(),
    "lifespan.shutdown.complete": set(),
    "lifespan.shutdown.failed": {"message"},
}


def test_every_message_is_there_with_its_optional_keys() -> None:
    found = {}
    for message in typing.get_args(asgi_types.Message):
        (kind,) = typing.get_args(typing.get_type_hints(message)["type"])
        found[kind] = set(message.__optional_keys__)
    assert found == OPTIONAL_KEYS


def test_every_scope_is_there() -> None:
    kinds = {typing.get_args(typing.get_type_hints(scope)["type"]) for scope in typing.get_args(asgi_types.Scope)}
    assert kinds == {("http",), ("websocket",), ("lifespan",)}


def test_a_type_checker_takes_the_good_and_refuses_the_bad(tmp_path: pathlib.Path) -> None:
    api = pytest.importorskip("mypy.api")
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = True\n")
    good, embedder, bad = TYPING / "good.py", TYPING / "embedder.py", TYPING / "bad.py"
    output, problems, _ = api.run(
        ["--config-file", str(config), "--no-error-summary", "--hide-error-context", str(good), str(embedder), str(bad)]
    )
    assert not problems
    expected = {
        (number, code)
        for number, line in enumerate(bad.read_text().splitlines(), 1)
        for code in re.findall(r"# E: ([\w-]+)", line)
    }
    errors = re.findall(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", output, re.MULTILINE)
    assert {pathlib.Path(path).name for path, _, _ in errors} == {bad.name}, output
    assert {number for number, _ in expected} == {int(number) for _, number, _ in errors}, output
    assert expected <= {(int(number), code) for _, number, code in errors}, output
