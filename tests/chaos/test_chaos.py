"""What goes wrong around a server: workers and parents killed, storms of signals, no descriptors, full disks."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pounce_testing import RawClient, ResponseError
from tests.under_load.code import INTERFACES, write_code
from tests.under_load.running import RunningServer, wait_until
from tests.under_load.steady_load import SteadyLoad

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, prlimit and /dev/full are Linux's")

ASGI: Final = INTERFACES["asgi"].format(body="here")
KINDS: Final = {
    "solo": ("--workers", "1"),
    "threads": ("--worker-kind", "thread", "--workers", "4"),
    "processes": ("--worker-kind", "process", "--workers", "2"),
}
each_kind = pytest.mark.parametrize("arguments", KINDS.values(), ids=KINDS)


def is_gone(pid: int) -> bool:
    """Whether the process has ended; who has lost its parent is waited for by somebody else, perhaps later."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def ask(port: int, path: str = "/", timeout: float = 20.0) -> int:
    with contextlib.closing(RawClient("127.0.0.1", port, timeout=timeout)) as client:
        client.send(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        return client.read_response().status


# -- killed ----------------------------------------------------------------------------------------------------------

SLOW: Final = """
import asyncio, os

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    if scope["path"] == "/slow":
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": body})
"""


def test_a_killed_worker_takes_only_its_own_requests_with_it(tmp_path: Path) -> None:
    write_code(tmp_path, SLOW)
    with RunningServer(tmp_path, *KINDS["processes"]) as server, SteadyLoad(server.port, path="/slow") as load:
        wait_until(lambda: len(load.tally.bodies) == 2, "both workers answer")
        victim, survivor = server.workers
        at_risk = connections_of(victim)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(load.tally.bodies) == 3, "its successor answers")
        seen = load.tally.bodies[str(survivor)]
        wait_until(lambda: load.tally.bodies[str(survivor)] > seen + 64, "the other goes on")
        lost_by_then = len(load.tally.lost)
        answered = load.tally.answered
        wait_until(lambda: load.tally.answered > answered + 200, "everybody is served")
        tally = load.stop()
        assert server.stop() == 0
    assert f"worker 0 ({victim})" in server.news or "signal 9" in server.news or "SIGKILL" in server.news, server.news
    # What the survivor had is complete: whatever is lost was on a connection of the victim.
    assert len(tally.lost) == lost_by_then <= at_risk + 8, tally.lost
    assert tally.asked - tally.answered <= len(tally.lost)
    assert all("reset" in one.lower() or "Incomplete" in one for one in tally.lost), tally.lost


def connections_of(pid: int) -> int:
    """How many sockets it has; those that listen and its pipe are among them."""
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += str(link.readlink()).startswith("socket:")
    return count


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    write_code(tmp_path, SLOW)
    with RunningServer(tmp_path, *KINDS["processes"]) as server, SteadyLoad(server.port, think=0.02):
        workers = server.workers
        assert len(workers) == 2
        server.signal(signal.SIGKILL)
        server.wait()
        wait_until(lambda: all(map(is_gone, workers)), "the workers are gone", seconds=2.0)
        with pytest.raises((OSError, ResponseError), match=r"refused|reset|ended"):  # not answered, in whatever way
            ask(server.port)


# -- signals ---------------------------------------------------------------------------------------------------------


@each_kind
def test_a_storm_of_signals_ends_it_once(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_code(tmp_path, ASGI)
    with RunningServer(tmp_path, *arguments) as server, SteadyLoad(server.port, think=0.02) as load:
        wait_until(lambda: load.tally.answered > 200, "clients are served")
        workers = server.workers
        began = time.monotonic()
        for _ in range(20):
            with contextlib.suppress(ProcessLookupError):
                server.signal(signal.SIGTERM)
            time.sleep(0.001)
        assert server.wait(5.0) == 0
        assert time.monotonic() - began < 5.0
        wait_until(lambda: all(map(is_gone, workers)), "the workers are gone", seconds=2.0)
        assert "Traceback" not in server.log, server.news


@each_kind
def test_a_storm_of_reloads_ends_with_one_generation(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Those that come while one is under way are remembered as one."""
    write_code(tmp_path, ASGI)
    with RunningServer(tmp_path, *arguments) as server, SteadyLoad(server.port) as load:
        wait_until(lambda: load.tally.answered > 64, "clients are served")
        write_code(tmp_path, INTERFACES["asgi"].format(body="there"))
        for _ in range(20):
            server.signal(signal.SIGHUP)
        wait_until(lambda: load.tally.bodies["there"] > 200, "new code serves")
        lost = list(load.tally.lost)
        server.signal(signal.SIGHUP)
        server.signal(signal.SIGTERM)  # clients are refused from here on
        assert server.wait() == 0
    assert lost == []
    assert "Traceback" not in server.log, server.news


# -- no descriptors --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_descriptors(pids: list[int]) -> Iterator[None]:
    """Let these processes open nothing more."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    for pid, (_, hard) in before.items():
        numbers = [int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(numbers) + 3, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


@each_kind
def test_it_outlasts_having_no_descriptors(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_code(tmp_path, ASGI)
    seconds = float(os.environ.get("NO_DESCRIPTORS_SECONDS", "3"))
    with RunningServer(tmp_path, *arguments) as server, contextlib.ExitStack() as stack:
        kept = stack.enter_context(contextlib.closing(RawClient("127.0.0.1", server.port)))
        kept.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert kept.read_response().body == b"here"
        pids = server.workers or [server.pid]
        with no_descriptors(pids):
            crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(64)]
            until = time.monotonic() + seconds
            used = cpu_of(pids)
            while time.monotonic() < until:
                kept.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                assert kept.read_response().body == b"here", "who is connected is served all the while"
                time.sleep(0.1)
            assert cpu_of(pids) - used < seconds / 3, "it does not spin"
        for one in crowd:
            one.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        for one in crowd:
            one.settimeout(20)
            answer = b"".join(iter(lambda one=one: one.recv(65536), b""))  # type: ignore[misc]
            assert answer.startswith(b"HTTP/1.1 200 ")
            one.close()
        assert ask(server.port) == 200
        assert server.stop() == 0
    assert "Traceback" not in server.log, server.news


def cpu_of(pids: list[int]) -> float:
    """Seconds of the processor that they have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


# -- a worker that is blocked ----------------------------------------------------------------------------------------

BLOCKING: Final = """
import time

def compute_for_ever():
    time.sleep(600)

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"] == "/block":
        compute_for_ever()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_blocked_worker_is_reported_with_its_stack(tmp_path: Path, kind: str) -> None:
    write_code(tmp_path, BLOCKING)
    arguments = ("--worker-stall-timeout", "1", "--graceful-timeout", "1", "--timeout-lifespan-shutdown", "1")
    with (
        RunningServer(tmp_path, *KINDS[kind], *arguments) as server,
        RawClient("127.0.0.1", server.port) as blocking,
    ):
        before = server.workers
        blocking.send(b"GET /block HTTP/1.1\r\nhost: x\r\n\r\n")
        server.wait_for("has not turned for")
        server.wait_for("compute_for_ever")
        assert [ask(server.port) for _ in range(20)] == [200] * 20
        if kind == "processes":
            wait_until(lambda: len(set(before) - set(server.workers)) == 1, "it is replaced")
            wait_until(lambda: len(server.workers) == 2, "by another")
        # A thread cannot be ended: whether the supervisor or the watchdog of the stop gives it up first is open.
        assert server.stop(15.0) in ((0,) if kind == "processes" else (0, 1)), server.news


# -- no room for the log ---------------------------------------------------------------------------------------------


@each_kind
def test_a_full_disk_costs_the_log_and_nothing_else(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_code(tmp_path, ASGI)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    with RunningServer(tmp_path, *arguments, "--port", str(port), log_to=Path("/dev/full")) as server:
        wait_until(lambda: answers(port), "it serves")
        with SteadyLoad(port, think=0.05) as load:
            wait_until(lambda: load.tally.answered > 500, "clients are served")
            server.signal(signal.SIGHUP)
            wait_until(lambda: load.tally.answered > 1500, "clients are served after a reload")
            tally = load.stop()
        assert server.stop() in (0, 120)  # 120: what Python itself says when its standard output cannot be flushed
    assert tally.lost == []
    assert tally.asked == tally.answered


def answers(port: int) -> bool:
    try:
        return ask(port) == 200
    except OSError:
        return False
