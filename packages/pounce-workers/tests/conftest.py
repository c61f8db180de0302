"""Where the tests of the workers find each other's doubles, and the fixtures that several of them use."""

from __future__ import annotations

import pathlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from loops import LOOPS, run_on
from transport_doubles import BIG, Link, link

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable


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
