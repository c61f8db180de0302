"""The order of middleware."""

from __future__ import annotations

from typing import Any

from pounce import ServerConfig
from pounce.chain import Link, Surroundings, build_chain
from pounce.shared_limits import SharedLimits

CONFIG = ServerConfig(app="main:app")
GIVEN = Surroundings(config=CONFIG, named={}, limits=SharedLimits(CONFIG))


async def app(scope: Any, receive: Any, send: Any) -> None: ...


def link(name: str, *, on: bool = True) -> Link:
    wrapped: Any = lambda inner, config: (name, inner)  # noqa: E731
    return Link(name, lambda config: on, wrapped)


def test_with_nothing_on_the_application_is_unchanged() -> None:
    assert build_chain(app, GIVEN) is app
    assert build_chain(app, GIVEN, [link("a", on=False)]) is app


def test_outermost_comes_first() -> None:
    built: Any = build_chain(app, GIVEN, [link("outer"), link("off", on=False), link("inner")])
    assert built == ("outer", ("inner", app))
