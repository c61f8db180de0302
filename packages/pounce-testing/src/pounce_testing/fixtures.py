"""Fixtures for pytest. Import those that you want into your ``conftest.py``:

    from pounce_testing.fixtures import serve, variant  # noqa: F401

They are not registered for every run of pytest by themselves, so that installing this package changes no other tests.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pounce_testing.matrix import VARIANTS, Variant
from pounce_testing.server import TestServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce import ServerConfig

__all__ = ["Serve", "serve", "variant"]


class Serve(Protocol):
    """What the fixture ``serve`` gives."""

    def __call__(self, app: Callable[..., Any] | str | ServerConfig, **settings: Any) -> TestServer:
        """Serve an application until the test ends."""


@pytest.fixture(params=VARIANTS, ids=lambda variant: variant.name)
def variant(request: pytest.FixtureRequest) -> Variant:
    """Each worker kind with each protocol in turn; one that is not installed is skipped, and says so."""
    chosen: Variant = request.param
    if chosen.missing:
        pytest.skip(f"{chosen.name} needs {', '.join(chosen.missing)}, which is not installed")
    return chosen


@pytest.fixture
def serve(variant: Variant) -> Iterator[Serve]:
    """Start servers of the chosen variant: ``server = serve(app, timeout_keep_alive=1)``. They end with the test."""
    with contextlib.ExitStack() as servers:

        def start(app: Callable[..., Any] | str | ServerConfig, **settings: Any) -> TestServer:
            return servers.enter_context(TestServer(app, **{**variant.settings, **settings}))

        yield start
