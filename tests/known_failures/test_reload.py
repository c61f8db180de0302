"""A reload builds the whole of what a start builds, in processes too; in threads and with one worker
tests/middleware/test_chain_of_the_command.py says so.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pounce_testing import RawClient
from tests.middleware.test_chain_of_the_command import CODE, MIDDLEWARE
from tests.under_load.running import RunningServer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP to send")
def test_a_reload_of_processes_keeps_the_middleware(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(CODE)
    (tmp_path / "own.py").write_text(MIDDLEWARE.replace("MARK", "first"))

    def mark() -> bytes | None:
        with RawClient("127.0.0.1", server.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return client.read_response().header(b"x-mark")

    arguments = ("--workers", "1", "--worker-kind", "process", "--middleware", "own:Marking")
    with RunningServer(tmp_path, *arguments) as server:
        assert mark() == b"first"
        (tmp_path / "own.py").write_text(MIDDLEWARE.replace("MARK", "second"))
        server.reload(2)
        assert mark() == b"second"
        assert server.stop() == 0
