"""Old code is let go: memory does not grow with every reload."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import pytest

from benchmarks.process_tree import pss_bytes
from pounce_testing import RawClient
from tests.under_load.code import INTERFACES, write_code
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

MORE: Final = int(os.environ.get("MORE_RELOADS_FOR_MEMORY", "7"))
FIRST: Final = 5
"""After so many everything that is kept once is there: caches, threads' stacks, the allocator's reserves."""
FIRST_OF_PROCESSES: Final = 2
"""They keep nothing, and each of their reloads begins new ones: what could grow is their parent."""
MOST: Final = 1.2

# Enough that it would be seen if it stayed: 2 MiB for each generation.
WEIGHT: Final = '\nBALLAST = ["%d" % number for number in range(30_000)]\n'
FASTAPI: Final = """
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI(openapi_url=None)

class Line(BaseModel):
    name: str
    price: float

class Order(BaseModel):
    lines: list[Line]

@app.get("/")
async def root() -> Order:
    return Order(lines=[Line(name="{body}", price=1.0)])
"""
APPLICATIONS: Final = {"plain": INTERFACES["asgi"], "wsgi": INTERFACES["wsgi"], "fastapi": FASTAPI}
KINDS: Final = {
    "solo": ("--workers", "1"),
    "threads": ("--worker-kind", "thread", "--workers", "4"),
    "processes": ("--worker-kind", "process", "--workers", "2"),
}


def use(server: RunningServer) -> None:
    for _ in range(20):
        with RawClient("127.0.0.1", server.port) as client:
            client.send(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            assert client.read_response().status == 200


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("application", "kind"),
    [("plain", "solo"), ("plain", "threads"), ("wsgi", "solo"), ("fastapi", "threads"), ("plain", "processes")],
)
def test_memory_stays(tmp_path: Path, application: str, kind: str) -> None:
    if application == "fastapi":
        pytest.importorskip("fastapi")
    memory = {}
    first = FIRST_OF_PROCESSES if kind == "processes" else FIRST
    last = first + (min(MORE, 3) if kind == "processes" else MORE)
    write(tmp_path, application, 1)
    with RunningServer(tmp_path, *KINDS[kind], "--no-access-log") as server:
        use(server)
        for generation in range(2, last + 2):
            write(tmp_path, application, generation)
            server.reload(generation)
            use(server)
            if generation - 1 in (first, last):
                if kind == "processes":
                    wait_until(lambda: len(server.workers) == 2, "the old ones are gone")
                memory[generation - 1] = pss_bytes(server.pid)
        assert server.stop() == 0
    print({reloads: f"{each / 2**20:.1f} MiB" for reloads, each in memory.items()})
    assert memory[last] <= memory[first] * MOST


def write(folder: Path, application: str, generation: int) -> None:
    write_code(folder, APPLICATIONS[application].format(body=f"generation {generation}") + WEIGHT)
