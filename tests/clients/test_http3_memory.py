"""What a server's process keeps of many streams and many connections: with ``POUNCE_LONG_TESTS`` in the environment."""

from __future__ import annotations

import asyncio
import os
import pathlib
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.clients.http3_client import LIBRARIES, connected

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARY = next(iter(LIBRARIES), "")
STREAMS = 10_000
CONNECTIONS = 1000
AT_ONCE = 50
KEPT = 6_000
"""KiB by which the process may grow: what an allocator keeps of the most that it once had is most of that."""

pytestmark = [
    pytest.mark.skipif("POUNCE_LONG_TESTS" not in os.environ, reason="POUNCE_LONG_TESTS is not set"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="IT READS /proc: not run"),
    pytest.mark.skipif(not LIBRARY, reason="NEITHER AIOQUIC NOR QH3 IS INSTALLED: it has not run"),
]


class Program:
    """A server in a process of its own, with one worker, which is a thread of it."""

    def __init__(self, authority: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        key = str(pathlib.Path(authority).with_name("dev-key.pem"))
        command = ["-m", "pounce", "tests.clients.site:app", "--port", str(self.port), "--workers", "1"]
        tls = ["--ssl-certfile", authority, "--ssl-keyfile", key, "--quic-bind", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen([sys.executable, *command, *tls, "--no-access-log"])

    def wait_until_it_serves(self) -> None:
        """Over TCP it listens last."""
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self.process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            else:
                return

    def resident(self) -> int:
        """KiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0


@pytest.fixture
def program(authority: str) -> Iterator[Program]:
    program = Program(authority)
    try:
        program.wait_until_it_serves()
        yield program
    finally:
        program.end()


def test_streams_of_one_connection(program: Program, authority: str) -> None:
    async def visit() -> list[int]:
        sizes = []
        async with connected(LIBRARY, program.port, authority) as client:
            for count in (1000, STREAMS // 2, STREAMS // 2):
                for _ in range(count // AT_ONCE):
                    await asyncio.gather(*(client.ask("/bytes/100") for _ in range(AT_ONCE)))
                    client.answers.clear()
                sizes.append(program.resident())
        return sizes

    sizes = asyncio.run(visit())
    print("KiB after 1,000 streams, half of all, all:", sizes)
    assert sizes[-1] - sizes[0] < KEPT


def test_connections_that_come_and_go(program: Program, authority: str) -> None:
    async def visit_once() -> None:
        async with connected(LIBRARY, program.port, authority) as client:
            assert (await client.ask("/bytes/100")).status == 200

    async def visit() -> list[int]:
        sizes = []
        for count in (CONNECTIONS // 5, 2 * CONNECTIONS // 5, 2 * CONNECTIONS // 5):
            for _ in range(count // 10):
                await asyncio.gather(*(visit_once() for _ in range(10)))
            sizes.append(program.resident())
        return sizes

    sizes = asyncio.run(visit())
    print("KiB after a fifth of the connections, three fifths, all:", sizes)
    assert sizes[-1] - sizes[0] < KEPT
