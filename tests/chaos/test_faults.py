"""What the system denies or takes away: memory, the reader of the log, the network between proxy and server."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from pounce_testing import RawClient
from tests.under_load.code import write_code
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, prlimit and namespaces are Linux's")

APP: Final = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"] == "/hungry":
        bytearray(1 << 30)
    while scope["method"] == "POST":
        message = await receive()
        if message["type"] == "http.disconnect" or not message["more_body"]:
            break
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(4000):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""
KINDS: Final = {
    "solo": ("--workers", "1"),
    "threads": ("--worker-kind", "thread", "--workers", "2"),
    "processes": ("--worker-kind", "process", "--workers", "2"),
}


def ask(port: int, path: str = "/", host: str = "127.0.0.1", timeout: float = 20.0) -> int:
    with contextlib.closing(RawClient(host, port, timeout=timeout)) as client:
        client.send(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        return client.read_response().status


# -- no memory -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def little_memory(pids: list[int], spare: int) -> Iterator[None]:
    """These processes may have so many bytes more than they have, in addresses."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_AS) for pid in pids}
    for pid, (_, hard) in before.items():
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        resource.prlimit(pid, resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + spare, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_AS, limits)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_request_without_memory_costs_nobody_else_anything(tmp_path: Path, kind: str) -> None:
    write_code(tmp_path, APP)
    with RunningServer(tmp_path, *KINDS[kind]) as server:
        assert [ask(server.port) for _ in range(8)] == [200] * 8  # every worker has begun
        pids = server.workers or [server.pid]
        with little_memory(pids, spare=64 << 20):
            for _ in range(8):
                assert ask(server.port, "/hungry") == 500
                assert ask(server.port) == 200
        assert "MemoryError" in server.log
        assert (server.workers or [server.pid]) == pids, "nobody was replaced"
        assert server.stop() == 0


# -- nobody reads the log --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["solo", "processes"])
def test_who_reads_the_log_may_go(tmp_path: Path, kind: str) -> None:
    """A pipe whose reader has ended (EPIPE) costs the log and nothing else."""
    write_code(tmp_path, APP)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    command = [sys.executable, "-m", "pounce", "app:app", "--port", str(port), *KINDS[kind]]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            wait_until(lambda: answers(port), "it serves")
            assert [ask(port) for _ in range(20)] == [200] * 20
        finally:
            process.terminate()
            code = process.wait(30)
    assert code in (0, 120)  # 120: what Python itself says when its standard output cannot be flushed


def answers(port: int) -> bool:
    try:
        return ask(port) == 200
    except OSError:
        return False


# -- no network ------------------------------------------------------------------------------------------------------


class Cable:
    """A network of two: this side, and a namespace of the system with nothing else in it, no name server either."""

    def __init__(self) -> None:
        self.name = f"pounce{os.getpid() % 100000}"
        self.here, self.there = f"10.213.{os.getpid() % 250}.1", f"10.213.{os.getpid() % 250}.2"

    def __enter__(self) -> Self:
        ip("netns", "add", self.name)
        ip("link", "add", f"{self.name}a", "type", "veth", "peer", "name", f"{self.name}b", "netns", self.name)
        ip("addr", "add", f"{self.here}/30", "dev", f"{self.name}a")
        ip("link", "set", f"{self.name}a", "up")
        ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", f"{self.name}b")
        ip("-n", self.name, "link", "set", f"{self.name}b", "up")
        return self

    def __exit__(self, *exc_info: object) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, timeout=20)

    def cut(self) -> None:
        ip("link", "set", f"{self.name}a", "down")

    def mend(self) -> None:
        ip("link", "set", f"{self.name}a", "up")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=20, capture_output=True)


@pytest.fixture
def cable() -> Iterator[Cable]:
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("NETWORK NAMESPACES NEED ROOT AND ip: this test has not run")
    cable = Cable()
    try:
        cable.__enter__()
    except subprocess.CalledProcessError as error:
        cable.__exit__()
        pytest.skip(f"NO NETWORK NAMESPACE CAN BE MADE HERE, this test has not run: {error.stderr.decode()}")
    with contextlib.ExitStack() as stack:
        stack.push(cable)
        yield cable


def sockets_of(pid: int) -> int:
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(link.readlink()).startswith("socket:")
    return count


def test_a_cut_network_holds_nothing_for_ever(tmp_path: Path, cable: Cable) -> None:
    """Nothing comes any more, not even a reset: time limits are all there is. Afterwards all is as before."""
    write_code(tmp_path, APP)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    limits = ("--timeout-body-stall", "1", "--timeout-write-stall", "1", "--timeout-request-head", "1")
    given = ["-m", "pounce", "app:app", "--host", "0.0.0.0", "--port", str(port), "--workers", "1", *limits]
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["ip", "netns", "exec", cable.name, sys.executable, *given, "--timeout-keep-alive", "1"],
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)

        def serves() -> bool:
            try:
                return ask(port, host=cable.there, timeout=2.0) == 200
            except OSError:
                return False

        wait_until(serves, "it serves")
        quiet = sockets_of(process.pid)

        def connected(wire: bytes) -> RawClient:
            client = stack.enter_context(contextlib.closing(RawClient(cable.there, port)))
            client.send(wire)
            return client

        idle = connected(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert idle.read_response().status == 200
        download = connected(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        assert not download.at_end()
        connected(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nsome")
        connected(b"GET / HTTP/1.1\r\nhost:")
        cable.cut()
        began = time.monotonic()
        wait_until(lambda: sockets_of(process.pid) <= quiet, "nothing is held")
        assert time.monotonic() - began < 15.0
        cable.mend()
        wait_until(serves, "it serves again")
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()
