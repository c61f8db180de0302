"""Fixtures for those who test a server rather than an application. Import what you want into your ``conftest.py``:

    from pounce_testing.fixtures import serve, variant  # noqa: F401

Their names are everybody's, so they are not registered by themselves. Those of `pounce_testing.plugin` are.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from pounce_testing.matrix import ASGI_VARIANTS, SHARING_VARIANTS, VARIANTS, Twins, Variant
from pounce_testing.server import TestServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pounce import ServerConfig

__all__ = [
    "Serve",
    "everywhere",
    "in_the_clear",
    "installed",
    "over",
    "running_servers",
    "serve",
    "serve_shared",
    "variant",
    "where_bodies_are_not_gathered",
]


class Serve(Protocol):
    """What the fixtures ``serve`` and ``serve_shared`` give."""

    def __call__(self, app: Twins | Callable[..., Any] | str | ServerConfig, **settings: Any) -> TestServer:
        """Serve an application until the test ends, or longer where it is shared."""


SIDE_BY_SIDE: Final = 8
"""Servers that stop at once."""

RUNNING: Final = 8
"""Shared servers that run at once before the half that was asked longest ago is stopped. Each has about a dozen
threads. Where one lock lets one of them run at a time, each that waits for it asks two hundred times a second: of
hundreds that are told to stop, on a slow machine, none gets on for minutes."""


def over(variants: Sequence[Variant]) -> pytest.MarkDecorator:
    """A mark for tests that are to run over these ways to serve, instead of those in which one process is enough.

    The tests of a module take turns in each way before the next one's: shared servers of one way need not outlive it.
    """
    return pytest.mark.parametrize("variant", variants, indirect=True, ids=lambda variant: variant.name, scope="module")


everywhere = over(VARIANTS)
"""A mark for tests of `Twins`: they run over every way to serve, worker processes and blocking workers among them."""

in_the_clear = over([variant for variant in VARIANTS if not variant.tls])
"""A mark for tests of `Twins` whose client cannot speak TLS, or is about what there is below it."""

where_bodies_are_not_gathered = over(ASGI_VARIANTS)
"""A mark for tests of `Twins` about requests whose body is not whole: blocking workers read up to 64 KiB of it before
they call the application, so that who sends slowly owns no thread. What holds there is in their own tests."""


@pytest.fixture(
    params=[one for one in SHARING_VARIANTS if not one.tls], ids=lambda variant: variant.name, scope="module"
)
def variant(request: pytest.FixtureRequest) -> Variant:
    """Each way to serve in turn: those without TLS in which application and test can share objects, unless the test is
    marked with ``everywhere`` or ``over(...)``. One that is not installed is skipped, and says so.
    """
    return installed(request.param)


def installed(chosen: Variant) -> Variant:
    """The variant; where a module that it needs is missing, the test is skipped."""
    if chosen.missing:
        pytest.skip(f"{chosen.name} needs {', '.join(chosen.missing)}, which is not installed")
    return chosen


@pytest.fixture
def serve(variant: Variant) -> Iterator[Serve]:
    """Start servers of the chosen variant: ``server = serve(app, timeout_keep_alive=1)``. They end with the test."""
    with contextlib.ExitStack() as servers:

        def start(app: Twins | Callable[..., Any] | str | ServerConfig, **settings: Any) -> TestServer:
            return servers.enter_context(_server(variant, app, settings))

        yield start


@pytest.fixture(scope="module")
def running_servers() -> Iterator[dict[Any, TestServer]]:
    """The servers of ``serve_shared``. They end with the module."""
    running: dict[Any, TestServer] = {}
    with contextlib.ExitStack() as servers:
        servers.callback(_stop_all, running)
        yield running


@pytest.fixture
def serve_shared(variant: Variant, running_servers: dict[Any, TestServer]) -> Serve:
    """As ``serve``, but a server that serves the same in the same way goes on to serve the next tests of the module."""

    def find(app: Twins | Callable[..., Any] | str | ServerConfig, **settings: Any) -> TestServer:
        key = (variant.name, app, tuple(sorted(settings.items())))
        server = running_servers.pop(key, None)
        if server is None:
            if len(running_servers) >= RUNNING:
                _stop([running_servers.pop(one) for one in [*running_servers][: (RUNNING + 1) // 2]])
            server = _server(variant, app, settings)
            server.start()
        running_servers[key] = server  # the last to be asked is the last
        return server

    return find


def _server(variant: Variant, app: Any, settings: dict[str, Any]) -> TestServer:
    return TestServer(variant.application(app), **{**variant.settings, **settings})


def _stop_all(running: dict[Any, TestServer]) -> None:
    """At the end of a module."""
    _stop([*running.values()])


def _stop(servers: list[TestServer]) -> None:
    """Some at a time are told together, so that they stop side by side; what one raises is raised at the end."""
    with contextlib.ExitStack() as stack:
        for first in range(0, len(servers), SIDE_BY_SIDE):
            stack.callback(_stop_together, servers[first : first + SIDE_BY_SIDE])


def _stop_together(servers: list[TestServer]) -> None:
    for server in servers:
        server.request_stop()
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.callback(server.wait_stopped)
