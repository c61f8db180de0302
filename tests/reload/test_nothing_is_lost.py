"""New code takes over again and again under a steady load, and every request has its answer."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.under_load.code import INTERFACES, write_code
from tests.under_load.running import RunningServer, wait_until
from tests.under_load.steady_load import SteadyLoad

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP to send"),
]

RELOADS: Final = int(os.environ.get("RELOADS_UNDER_LOAD", "2"))
"""From the first code and from code that took over itself. Each takes a second or two of two cores: ten and more when
asked for."""

CLIENTS: Final = 64

THREAD: Final = ("--worker-kind", "thread")
PROCESS: Final = ("--worker-kind", "process", "--workers", "2")


@pytest.mark.parametrize(
    ("interface", "arguments"),
    [
        ("asgi", ("--workers", "1")),
        ("asgi", (*THREAD, "--workers", "4")),
        ("asgi", PROCESS),
        ("wsgi", ("--workers", "1", "--interface", "wsgi")),
        ("wsgi", PROCESS),
        ("sync", ("--workers", "1")),
        ("sync", (*THREAD, "--workers", "2")),
        ("sync", PROCESS),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value).replace("--", ""),
)
def test_every_request_is_answered_while_code_is_replaced(
    tmp_path: Path, interface: str, arguments: tuple[str, ...]
) -> None:
    code = INTERFACES[interface]
    body = "generation-1"
    write_code(tmp_path, code.format(body=body))
    with RunningServer(tmp_path, *arguments) as server, SteadyLoad(server.port) as load:
        for generation in range(2, RELOADS + 2):
            wait_until(lambda: load.tally.bodies[body] >= CLIENTS, "every client is served")  # noqa: B023 - not kept
            body = f"generation-{generation}"
            write_code(tmp_path, code.format(body=body))
            server.reload(generation)
        wait_until(lambda: load.tally.bodies[body] >= CLIENTS, "the last code serves")
        tally = load.stop()
        exit_code = server.stop()
    assert tally.lost == [], server.news
    assert tally.asked == tally.answered == server.access_lines
    assert set(tally.bodies) == {f"generation-{number}" for number in range(1, RELOADS + 2)}
    assert exit_code == 0
