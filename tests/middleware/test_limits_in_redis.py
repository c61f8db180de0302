"""A limit that is counted in a real Redis: the same total with threads and with processes, each loop with a client of
its own.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pounce_testing.fixtures import over
from pounce_testing.matrix import WORKER_KINDS
from tests.middleware import limited_applications as applications
from tests.middleware.test_limits import get

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing.fixtures import Serve

pytest.importorskip("redis")

DOUBLES = Path(__file__).parents[2] / "packages/pounce-middleware/tests/redis_server.py"


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The address of a server that is empty, started as the package's own tests do."""
    spec = importlib.util.spec_from_file_location("redis_server", DOUBLES)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.RedisServer(module.find_redis_server()) as server:
        yield server.url


# Threads that serve one request at a time may end their loop before the connections on it are closed: Python warns.
@over([kind for kind in WORKER_KINDS if not kind.blocking and kind.name != "pool"])
def test_one_limit_for_all_workers(serve: Serve, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_REDIS_URL", redis_url)
    server = serve(f"{applications.__name__}:stored", factory=True)
    assert sorted(get(server).status for _ in range(20)) == [200] * 6 + [429] * 14
