"""How the command ends: signals, requests in flight, threads that will not finish."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pounce_testing import RawClient
from tests.end_to_end.process import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has --distribution reuseport")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")

APPLICATION = """
import asyncio, contextlib, pathlib, time
from pounce_asgi import SyncResponse

async def lifespan(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("the lifespan has ended", flush=True)
    await send({"type": "lifespan.shutdown.complete"})

def sleep_in_a_thread():
    print("in the thread", flush=True)
    time.sleep(600)

class Blocking:
    def handle(self, request):
        return SyncResponse(body=self.pieces(request.path))

    def pieces(self, path):
        yield b"begun,"
        if path == "/thread":
            sleep_in_a_thread()
        if path == "/held":
            while not pathlib.Path("release").exists():
                time.sleep(0.01)
        yield b"done"

blocking = Blocking()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun,", "more_body": True})
    if scope["path"] == "/thread":
        await asyncio.to_thread(sleep_in_a_thread)
    if scope["path"] == "/loop":
        sleep_in_a_thread()
    if scope["path"] == "/held":
        while not pathlib.Path("release").exists():
            await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b"done"})
"""

FASTAPI = """
import time
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    yield
    print("the lifespan has ended", flush=True)

app = FastAPI(lifespan=lifespan)

@app.get("/thread")
def sleep_in_a_thread():
    print("in the thread", flush=True)
    time.sleep(600)
"""

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
OPTIONS = ("application:app", "--port", "0")
WAYS = {
    "asyncio": (*OPTIONS, "--loop", "asyncio"),
    "uvloop": (*OPTIONS, "--loop", "uvloop"),
    "threads": (*OPTIONS, "--workers", "2", "--worker-kind", "thread"),
    "processes": (*OPTIONS, "--workers", "2", "--worker-kind", "process"),
    "reuseport": (*OPTIONS, "--workers", "2", "--worker-kind", "thread", "--distribution", "reuseport"),
    "blocking": ("application:blocking", "--port", "0"),
    "blocking_threads": ("application:blocking", "--port", "0", "--workers", "2", "--worker-kind", "thread"),
}
LIFESPANS = {"threads": 2, "processes": 2, "reuseport": 2, "blocking": 0, "blocking_threads": 0}
"""How often a lifespan ends, where that is not once."""

each_way = pytest.mark.parametrize(
    "way", [pytest.param(way, marks=only_linux) if way == "reuseport" else way for way in WAYS]
)

PROMPT_SECONDS = 25.0
"""What is done at once, on a machine that is busy with everything else. It is less than the graceful timeout, and than
what would happen if nobody was given up: nothing, for ever.
"""

BLOCKED_SECONDS = 2.0
"""How long a loop that is to end at once may stand still."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "application.py").write_text(APPLICATION)
    return tmp_path


def begin(server: ServerProcess, path: bytes) -> RawClient:
    """Start a request and wait until it is in the application."""
    client = server.connect()
    client.send(GET % path)
    received = b""
    while b"begun," not in received:
        received += client.read_some()
    return client


def refuses_connections(port: int) -> bool:
    """Whether a new client gets nowhere: no connection, or nothing on it."""
    try:
        with RawClient("127.0.0.1", port) as late:
            late.send(GET % b"late")
            return late.read_to_end() == b""
    except OSError:
        return True


@each_way
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_graceful_stop(folder: Path, number: signal.Signals, way: str) -> None:
    with ServerProcess(folder, *WAYS[way]) as server, server.connect() as idle:
        idle.send(GET % b"")
        assert idle.read_response().body == b"begun,done"
        busy = begin(server, b"held")
        server.send_signal(number)
        assert idle.at_end(), "an idle connection closes at once"
        # Workers with sockets of their own hear of the stop one after the other.
        assert any(refuses_connections(server.port) for _ in range(1000 if way in ("processes", "reuseport") else 1))
        (folder / "release").touch()
        with busy:
            assert b"done" in busy.read_to_end(), "a request in flight finishes"
        assert server.wait(PROMPT_SECONDS) == 0
    assert server.log.count("the lifespan has ended") == LIFESPANS.get(way, 1)
    assert "Traceback" not in server.log


@each_way
def test_what_was_sent_before_the_stop_is_answered(folder: Path, way: str) -> None:
    with ServerProcess(folder, *WAYS[way]) as server, server.connect() as kept:
        kept.send(GET % b"")
        assert kept.read_response().body == b"begun,done"
        server.send_signal(signal.SIGSTOP)
        kept.send(GET % b"")
        with contextlib.ExitStack() as stack:
            clients = [kept, *(stack.enter_context(server.connect()) for _ in range(50))]
            for client in clients[1:]:
                client.send(GET % b"")
            server.send_signal(signal.SIGTERM)
            server.send_signal(signal.SIGCONT)
            for client in clients:
                assert client.read_response().body == b"begun,done"
        assert server.wait(PROMPT_SECONDS) == 0


@each_way
def test_second_signal_stops_at_once(folder: Path, way: str) -> None:
    with (
        ServerProcess(folder, *WAYS[way]) as server,
        server.connect() as idle,
        begin(server, b"held"),
    ):
        server.send_signal(signal.SIGTERM)
        assert idle.at_end(), "the first one has been heard"
        server.send_signal(signal.SIGTERM)
        assert server.wait(PROMPT_SECONDS) == 0
    assert server.log.count("the lifespan has ended") == LIFESPANS.get(way, 1)


@each_way
def test_requests_that_do_not_finish_are_given_up(folder: Path, way: str) -> None:
    options = (*WAYS[way], "--graceful-timeout", "0.5")
    with ServerProcess(folder, *options) as server, begin(server, b"held"):
        server.send_signal(signal.SIGTERM)
        assert server.wait(0.5 + PROMPT_SECONDS) == 0
    assert server.log.count("the lifespan has ended") == LIFESPANS.get(way, 1)


@pytest.mark.parametrize("application", ["asyncio", "fastapi"])
def test_blocked_thread_does_not_hold_the_exit(folder: Path, application: str) -> None:
    if application == "fastapi":
        (folder / "application.py").write_text(FASTAPI)
    with ServerProcess(folder, *OPTIONS, "--graceful-timeout", "1") as server, server.connect() as client:
        client.send(GET % b"thread")
        server.wait_for_line("in the thread")
        server.send_signal(signal.SIGTERM)
        server.wait(2 + PROMPT_SECONDS)  # where nothing else runs it takes a second
    assert "the lifespan has ended" in server.log
    assert "in sleep_in_a_thread" in server.log, "the log shows where the thread hangs"


@pytest.mark.parametrize("way", ["asyncio", "uvloop", "threads", "processes"])
def test_second_signal_waits_for_no_blocked_loop(folder: Path, way: str) -> None:
    """Its shutdown could not run: what is left to do is to say where it is blocked, and to go."""
    with ServerProcess(folder, *WAYS[way]) as server, begin(server, b"loop"):
        server.send_signal(signal.SIGINT)
        time.sleep(0.2)  # so that the first is heard before the second
        server.send_signal(signal.SIGINT)
        assert server.wait(BLOCKED_SECONDS + PROMPT_SECONDS) == (1 if way in ("asyncio", "uvloop") else 0)
    assert "cannot end, because its event loop does not turn" in server.log
    assert way == "processes" or "in sleep_in_a_thread" in server.log  # of a process what it says itself, if it can
    assert server.log.count("the lifespan has ended") == LIFESPANS.get(way, 1) - 1, "the others end in order"


@pytest.mark.parametrize("way", ["asyncio", "threads", "processes"])
def test_second_signal_leaves_the_shutdown_its_time(folder: Path, way: str) -> None:
    slow = APPLICATION.replace(
        'print("the lifespan', f'await asyncio.sleep({BLOCKED_SECONDS + 1})\n    print("the lifespan'
    )
    (folder / "application.py").write_text(slow)
    with ServerProcess(folder, *WAYS[way]) as server, begin(server, b"held"):
        server.send_signal(signal.SIGINT)
        time.sleep(0.2)
        server.send_signal(signal.SIGINT)
        assert server.wait(BLOCKED_SECONDS + 1 + PROMPT_SECONDS) == 0
    assert server.log.count("the lifespan has ended") == LIFESPANS.get(way, 1)


def test_blocked_loop_ends_with_the_third_signal(folder: Path) -> None:
    with ServerProcess(folder, *OPTIONS) as server, begin(server, b"loop"):
        for _ in range(3):
            server.send_signal(signal.SIGTERM)
            time.sleep(0.2)  # so that the system does not fold them into one
        assert server.wait(PROMPT_SECONDS) != 0
