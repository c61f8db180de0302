"""Eight worker threads, clients at their worst, new code again and again: everything adds up."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.stress.unruly_clients import UnrulyClients
from tests.under_load.code import write_code
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP to send")

RELOADS: Final = int(os.environ.get("RELOADS_UNDER_STRESS", "3"))
SEED: Final = int(os.environ.get("STRESS_SEED", "20261121"))

APPLICATION: Final = """
import asyncio, atexit, threading

GENERATION = {generation}

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        if not message.get("more_body"):
            break
    if scope["path"] == "/stream":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        for _ in range(8):
            await send({{"type": "http.response.body", "body": b"x" * 512, "more_body": True}})
            await asyncio.sleep(0.002)
        await send({{"type": "http.response.body"}})
        return
    body = b"%d of %d" % (size, GENERATION)
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}})
    await send({{"type": "http.response.body", "body": body}})
"""

COUNTING: Final = """
import atexit, itertools, sys, threading
from pounce import Server, ServerConfig
from pounce_asgi import Listeners, ResponseCompleted, Subscriber

counts = threading.local()
all_counts = []
lock = threading.Lock()

def completed(record):
    try:
        mine = counts.mine
    except AttributeError:
        mine = counts.mine = [0, 0]
        with lock:
            all_counts.append(mine)
    mine[0] += 1
    mine[1] += record.aborted

config = ServerConfig.of(dict(app="app:app", port=0, workers=8, worker_kind="thread", graceful_timeout=10.0))
code = Server(config, listeners=Listeners.of(Subscriber(completed, ResponseCompleted))).run()
print("COMPLETED", sum(one[0] for one in all_counts), "ABORTED", sum(one[1] for one in all_counts), flush=True)
sys.exit(code)
"""

FAULTS: Final = re.compile(r"Traceback|Fatal Python error|Exception ignored|ERROR|CRITICAL|Warning:")


def test_everything_adds_up(tmp_path: Path) -> None:
    write_code(tmp_path, APPLICATION.format(generation=1))
    (tmp_path / "counting.py").write_text(COUNTING)
    python = ("-X", "dev", "-X", "faulthandler", "counting.py")
    with RunningServer(tmp_path, python=python, environ={"PYTHONPATH": str(tmp_path)}) as server:
        with UnrulyClients(server.port, seed=SEED) as clients:
            for generation in range(2, RELOADS + 2):
                seen = clients.tally.answered
                wait_until(lambda: clients.tally.answered > seen + 400, "clients are served")  # noqa: B023 - not kept
                write_code(tmp_path, APPLICATION.format(generation=generation))
                server.reload(generation)
            seen = clients.tally.answered
            wait_until(lambda: clients.tally.answered > seen + 400, "the last code serves")
            tally = clients.stop()
        assert server.stop() == 0, server.news
    assert tally.lost == [], server.news
    assert not (found := FAULTS.search(server.news)), f"{found}\n{server.news}"
    counted = server.wait_for(r"COMPLETED (\d+) ABORTED (\d+)")
    completed, aborted = int(counted[1]), int(counted[2])
    assert completed == server.access_lines, "a record for each line"
    assert aborted == server.log.count(" aborted\n")
    # A client that left does not know what became of its request: it may have been read, or not.
    assert tally.answered <= completed <= tally.answered + tally.abandoned
    assert completed - aborted >= tally.answered
