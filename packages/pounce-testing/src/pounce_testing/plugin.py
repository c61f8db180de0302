"""The plugin for pytest: fixtures that serve the application under test. It is there where this package is installed.

It costs a run nothing that does not use it: everything else of this package is imported when a test asks for a fixture.

``pounce_app``      the application; a project overrides it, or says it by mark, option or ini
``pounce_server``   a `TestServer` that serves it
``pounce_client``   a ``httpx.Client`` of that server
``pounce_memory``   an `InMemoryClient` of it

The mark ``pounce`` gives an application, settings, and the kinds of workers over which the test runs:
``@pytest.mark.pounce("main:app", kinds=["asyncio", "processes"], timeout_keep_alive=1)``.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from pounce_testing.matrix import Variant
    from pounce_testing.memory import InMemoryClient
    from pounce_testing.server import TestServer

__all__: list[str] = []

DEFAULT_KINDS: Final = ("asyncio",)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What may be said for a whole run or project."""
    group = parser.getgroup("pounce", "servers of Pounce")
    group.addoption("--pounce-app", metavar="MODULE:ATTRIBUTE", help="The application that pounce_server serves.")
    group.addoption(
        "--pounce-kinds",
        metavar="KINDS",
        help="Kinds of workers over which tests of pounce_server run, such as asyncio,processes; or all.",
    )
    parser.addini("pounce_app", "The application that pounce_server serves: module:attribute.")
    parser.addini("pounce_kinds", "Kinds of workers over which tests of pounce_server run.", type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", "pounce(app=None, *, kinds=None, **settings): what pounce_server serves, how, and in which workers."
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test runs once for each kind of workers; one that says itself over which it runs, over those."""
    if "pounce_kind" in metafunc.fixturenames and "pounce_kind" not in _own_parameters(metafunc):
        kinds = _kinds(metafunc)
        metafunc.parametrize("pounce_kind", kinds, indirect=True, ids=list(kinds))


def _own_parameters(metafunc: pytest.Metafunc) -> set[str]:
    """The names that ``@pytest.mark.parametrize`` gives values to, on the test, its class or its module."""
    names: set[str] = set()
    for mark in metafunc.definition.iter_markers("parametrize"):
        given = mark.kwargs.get("argnames", mark.args[0] if mark.args else ())
        names.update(name.strip() for name in (given.split(",") if isinstance(given, str) else given))
    return names


def _kinds(metafunc: pytest.Metafunc) -> tuple[str, ...]:
    """The nearest mark that says it, else the option, else the project's settings.

    Raises:
        pytest.UsageError: there is none of that name.
    """
    from pounce_testing.matrix import WORKER_KINDS

    option = metafunc.config.getoption("--pounce-kinds")
    marked = [mark.kwargs["kinds"] for mark in metafunc.definition.iter_markers("pounce") if "kinds" in mark.kwargs]
    if marked:
        given = marked[0]
    elif option:
        given = option.replace(",", " ").split()
    else:
        given = metafunc.config.getini("pounce_kinds") or DEFAULT_KINDS
    if given == "all" or list(given) == ["all"]:
        # Those that serve ASGI; what blocks serves something else.
        return tuple(variant.name for variant in WORKER_KINDS if not variant.blocking)
    known = [variant.name for variant in WORKER_KINDS]
    for name in [given] if isinstance(given, str) else given:
        if name not in known:
            raise pytest.UsageError(f"there is no kind of workers {name!r}; there are {', '.join(known)}, and all")
    return (given,) if isinstance(given, str) else tuple(given)


@pytest.fixture
def pounce_kind(request: pytest.FixtureRequest) -> Variant:
    """The kind of workers of this run. One that needs what is not installed is skipped, and says so."""
    return _variant(request.param)


def _variant(kind: str | Variant) -> Variant:
    """That of a name: a test that parametrizes ``pounce_kind`` gives it in place of the fixture.

    Raises:
        pytest.UsageError: there is none of that name.
    """
    from pounce_testing.fixtures import installed
    from pounce_testing.matrix import WORKER_KINDS, Variant

    if isinstance(kind, Variant):
        return kind
    for variant in WORKER_KINDS:
        if variant.name == kind:
            return installed(variant)
    known = ", ".join(variant.name for variant in WORKER_KINDS)
    raise pytest.UsageError(f"there is no kind of workers {kind!r}; there are {known}")


@pytest.fixture
def pounce_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of the server: those of all marks, the nearest first."""
    settings: dict[str, Any] = {}
    for mark in request.node.iter_markers("pounce"):
        settings = {**mark.kwargs, **settings}
    settings.pop("kinds", None)
    settings.pop("app", None)
    return settings


@pytest.fixture
def pounce_app(request: pytest.FixtureRequest) -> Any:
    """What is served: an application, its ``"module:attribute"``, or `Twins`. Override it, or say it otherwise."""
    for mark in request.node.iter_markers("pounce"):
        if mark.args:
            return mark.args[0]
        if "app" in mark.kwargs:
            return mark.kwargs["app"]
    app = request.config.getoption("--pounce-app") or request.config.getini("pounce_app")
    if not app:
        raise pytest.UsageError(
            'what is to be served? Define a fixture pounce_app, mark the test with @pytest.mark.pounce("main:app"), or'
            " set pounce_app = main:app in the settings of pytest"
        )
    return app


@pytest.fixture
def pounce_server(pounce_app: Any, pounce_kind: Variant | str, pounce_settings: dict[str, Any]) -> Iterator[TestServer]:
    """A server that serves the application until the test ends."""
    from pounce_testing.server import TestServer

    kind = _variant(pounce_kind)
    with TestServer(kind.application(pounce_app), **{**kind.settings, **pounce_settings}) as server:
        yield server


@pytest.fixture
def pounce_client(pounce_server: TestServer) -> Iterator[httpx.Client]:
    """A client of the server, which it knows and trusts. It needs the extra ``httpx``."""
    if importlib.util.find_spec("httpx") is None:
        raise pytest.UsageError("pounce_client needs httpx: pip install 'pounce-testing[httpx]'")
    with pounce_server.client() as client:
        yield client


@pytest.fixture
def pounce_memory(pounce_app: Any, pounce_settings: dict[str, Any]) -> Iterator[InMemoryClient]:
    """A client of the application, served without sockets."""
    from pounce_testing.matrix import Twins
    from pounce_testing.memory import InMemoryClient

    app = pounce_app.asgi if isinstance(pounce_app, Twins) else pounce_app
    with InMemoryClient(app, **pounce_settings) as client:
        yield client
