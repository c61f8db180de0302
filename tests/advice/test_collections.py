"""Collections of garbage around a server as it is started: which of them the log tells."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.process import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION = """
import gc

def much():
    return [[] for _ in range(400_000)]

gc.disable()  # none but those that are asked for
held = much()
gc.collect()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        gc.collect()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/collects":
        more = much()
        gc.collect()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="is stopped by a signal")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_only_a_collection_that_keeps_a_client_waiting_is_told(tmp_path: Path, workers: str) -> None:
    (tmp_path / "collecting.py").write_text(APPLICATION)
    # Each of its collections takes longer than that.
    arguments = ("collecting:app", "--port", "0", "--slow-callback", "0.005", "--workers", workers)
    with ServerProcess(tmp_path, *arguments) as server:
        with server.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert client.read_response().status == 200
            assert "garbage" not in server.log
            client.send(b"GET /collects HTTP/1.1\r\nhost: x\r\n\r\n")
            assert client.read_response().status == 200
            server.wait_for_line(r"A garbage collection stopped the process for")
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        if workers == "1":  # with several one may still serve, and the client's leave be news
            assert server.log.count("stopped the process") == 1
