"""Where the tests of the workers find each other's doubles, and the fixtures that several of them use."""

from __future__ import annotations

import pathlib
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

try:
    import resource
except ImportError:  # Windows does not count descriptors
    resource = None  # type: ignore[assignment]

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from loops import LOOPS, run_on
from transport_doubles import BIG, Link, link

from pounce_workers.serving import http1_bodies, http1_connection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

DESCRIPTORS: Final = 8192
"""Thousands of connections are held at once, both ends of them here; many a shell allows 1024 to begin with."""


def pytest_configure() -> None:
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < allowed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


@pytest.fixture(params=LOOPS)
def make_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[request.param]


@pytest.fixture
def on_link(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> Callable[..., None]:
    """Runs a scenario with a fresh link."""

    def run(scenario: Callable[[Link], Awaitable[None]], **options: Any) -> None:
        async def main() -> None:
            async with link(**options) as made:
                await scenario(made)

        run_on(make_loop, main)

    return run


@pytest.fixture
def big_file(tmp_path: pathlib.Path) -> Any:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    with path.open("rb") as opened:
        yield opened


@pytest.fixture(autouse=True)
def _turns_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a connection does in one turn depends on how fast the machine is. Where that matters, tests say how much."""
    for module in (http1_bodies, http1_connection):
        monkeypatch.setattr(module, "TURN_SECONDS", 60.0)
