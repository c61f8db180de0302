"""Middleware that the configuration names: how it is written, made, and reported when it cannot be made."""

from __future__ import annotations

import pickle
from pathlib import Path  # noqa: TC003 - pytest reads it
from typing import Any

import pytest

from pounce import ConfigError, ServerConfig
from pounce.chain import Surroundings, build_chain
from pounce.fresh_import import FreshImport
from pounce.middleware_values import MiddlewareUse, middleware_of
from pounce.shared_limits import SharedLimits
from pounce_asgi import AppImportError


class Marking:
    """Adds a field with its mark, which shows the order."""

    def __init__(self, app: Any, mark: str = "plain") -> None:
        self.app, self.mark = app, mark

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-mark", self.mark.encode())]}
            await send(message)

        await self.app(scope, receive, marked)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pkg.mod:Class", [("pkg.mod:Class", ())]),
        (["a:B", " c:D.e "], [("a:B", ()), ("c:D.e", ())]),
        ({"use": "a:B", "limit": 3}, [("a:B", (("limit", 3),))]),
        ([Marking, MiddlewareUse("a:B", (("x", 1),))], [(Marking, ()), ("a:B", (("x", 1),))]),
    ],
)
def test_ways_to_write_it(value: object, expected: list[Any]) -> None:
    assert [(one.use, one.options) for one in middleware_of(value)] == expected


@pytest.mark.parametrize(
    "value", ["nothing", "a:", ":b", "a b:c", 3, {"limit": 3}, {"use": 3}, {"use": "a:B", "no name": 1}, [None]]
)
def test_what_is_none_is_refused_without_its_values(value: object) -> None:
    with pytest.raises(ConfigError, match=r"middleware: .*module:Class") as told:
        ServerConfig.of({"app": "main:app", "middleware": value})
    assert "3" not in str(told.value) or not isinstance(value, dict)


def test_options_are_in_no_text_and_go_to_processes() -> None:
    use = MiddlewareUse("a:B", (("password", "hunter2"),))
    assert "hunter2" not in f"{use} {use!r}"
    assert pickle.loads(pickle.dumps(use)) == use


def test_what_cannot_be_made_is_named() -> None:
    config = ServerConfig(app="main:app", middleware=(MiddlewareUse(Marking, (("colour", "secret value"),)),))
    with pytest.raises(AppImportError, match=r"Marking could not be made with the options colour: .*colour") as told:
        build_chain(hello, Surroundings(config=config, named={}, limits=SharedLimits(config)))
    assert "secret value" not in str(told.value)
    assert isinstance(told.value.__cause__, TypeError)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("main:Nothing", "middleware: main has no attribute 'Nothing'"),
        ("main:number", "middleware: main:number is not callable"),
        ("nowhere:Class", "middleware: .*nowhere"),
    ],
)
def test_what_cannot_be_imported_is_named(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "main.py").write_text("number = 3\nasync def app(scope, receive, send): ...\n")
    config = ServerConfig(app="main:app", app_dir=str(tmp_path), middleware=(MiddlewareUse(name),))
    importer = FreshImport.of(config)
    try:
        with pytest.raises(AppImportError, match=message):
            importer.load()
    finally:
        importer.close()


def test_it_is_imported_afresh_with_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pounce.fresh_import.obstacle", lambda: None)  # another test may have set up Django
    (tmp_path / "fresh_app.py").write_text("async def app(scope, receive, send): ...\n")
    (tmp_path / "fresh_mw.py").write_text("class Around:\n    version = 1\n    def __init__(self, app): ...\n")
    config = ServerConfig(app="fresh_app:app", app_dir=str(tmp_path), middleware=(MiddlewareUse("fresh_mw:Around"),))
    importer = FreshImport.of(config)
    try:
        first = importer.load().named["fresh_mw:Around"]
        (tmp_path / "fresh_mw.py").write_text("class Around:\n    version = 22\n    def __init__(self, app): ...\n")
        second = importer.load().named["fresh_mw:Around"]
        assert (first.version, second.version) == (1, 22)
    finally:
        importer.close()
