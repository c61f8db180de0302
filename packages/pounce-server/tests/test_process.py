"""The server as a process of its own: start, signals, exit codes, and what is left when it is gone."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPLICATION = """
import asyncio, sys, threading, time

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                print("lifespan is shut down", file=sys.stderr, flush=True)
                return
    if scope["path"] == "/thread":
        await asyncio.to_thread(sleep_in_a_thread)
    if scope["path"] == "/executor":
        await asyncio.get_running_loop().run_in_executor(None, sleep_in_a_thread)
    if scope["path"] == "/loop":
        print("blocking", file=sys.stderr, flush=True)
        sleep_interruptibly()
    if scope["path"] == "/own":
        threading.Thread(target=sleep_in_a_thread, name="mine").start()
    if scope["path"] == "/idle":
        await asyncio.to_thread(int)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})

def sleep_in_a_thread():
    print("blocking", file=sys.stderr, flush=True)
    time.sleep(600)

def sleep_interruptibly():
    # Not in one piece: a signal that comes just before sleep() begins is only seen when it ends.
    while True:
        time.sleep(0.01)
"""

MODULES = {
    "main": APPLICATION,
    "inside": "import no_such_module_anywhere",
    "slow": "import sys, time\nprint('importing', file=sys.stderr, flush=True)\nwhile True:\n    time.sleep(0.01)",
    "collecting": """
import gc, sys, time

def callback(phase, info):
    gc.callbacks.remove(callback)
    print("importing", file=sys.stderr, flush=True)
    while True:
        time.sleep(0.01)

gc.disable()
gc.callbacks.append(callback)
while callback in gc.callbacks:  # while another thread collects, nothing comes of it
    gc.collect()
while True:
    time.sleep(0.01)
""",
    "startup": "async def app(scope, receive, send):\n    await receive()\n    raise ValueError('no database')",
    "script": "import pounce\nif __name__ == '__main__':\n    pounce.run('main:app', port=0)\n    print('after')",
}

LEAVING = (
    APPLICATION.replace("import asyncio", "import asyncio, atexit").replace("lifespan is shut down", "")
    + """
@atexit.register
def leave():
    print("leaving", file=sys.stderr, flush=True)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        time.sleep(0.01)
    print("gone", file=sys.stderr, flush=True)
"""
)

LISTENING = re.compile(r"Listening on http://127\.0\.0\.1:(\d+) ")
SLOW_STOP = re.compile(r"INFO: +Stopping: waiting for .*\n")
"""Said of a stop that takes longer than a moment, as every stop does on a machine that is busy enough."""
HANGS_AFTER = 60.0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


@dataclass
class Process:
    """A server process; what it says on stderr is read up to the line that is waited for."""

    popen: subprocess.Popen[str]

    def wait_for(self, pattern: str) -> re.Match[str]:
        assert self.popen.stderr is not None
        seen = []
        for line in self.popen.stderr:
            seen.append(line)
            match = re.search(pattern, line)
            if match:
                return match
        raise AssertionError(f"ended without {pattern!r}: {''.join(seen)}")

    def port(self) -> int:
        return int(self.wait_for(LISTENING.pattern)[1])

    def end(self, *signals: signal.Signals) -> tuple[int, str, str]:
        """Exit code, stdout and the rest of stderr, but for what only tells how fast the machine is."""
        for number in signals:
            self.popen.send_signal(number)
        out, err = self.popen.communicate(timeout=HANGS_AFTER)
        return self.popen.returncode, out, SLOW_STOP.sub("", err)


@contextlib.contextmanager
def started(folder: Path, *arguments: str, stdout: int = subprocess.PIPE) -> Iterator[Process]:
    command = [sys.executable, *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
    environ["POUNCE_LOG_FORMAT"] = "text"
    popen = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Process(popen)
    finally:
        popen.kill()
        popen.communicate()


def serving(folder: Path, *arguments: str) -> contextlib.AbstractContextManager[Process]:
    return started(folder, "-m", "pounce", "main:app", "--port", "0", *arguments)


def request(port: int, path: str, *, read: bool = True) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    if read:
        connection.getresponse().read()
    return connection


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_graceful_stop_loses_no_line_and_exits_with_zero(folder: Path, number: signal.Signals) -> None:
    with serving(folder) as process:
        port = process.port()
        with contextlib.closing(request(port, "/0")) as connection:
            for index in range(1, 100):
                connection.request("GET", f"/{index}")
                connection.getresponse().read()
        code, out, err = process.end(number)
    assert code == 0
    assert [line.split()[6] for line in out.splitlines()] == [f"/{index}" for index in range(100)]
    assert err == "lifespan is shut down\n"


@pytest.mark.parametrize("path", ["/thread", "/executor"])
def test_a_blocked_handler_does_not_hold_the_exit(folder: Path, path: str) -> None:
    with serving(folder, "--graceful-timeout", "0.1") as process:
        connection = request(process.port(), path, read=False)
        process.wait_for("blocking")
        before = time.monotonic()
        code, _, err = process.end(signal.SIGTERM)
        duration = time.monotonic() - before
        connection.close()
    assert code == 0
    assert duration < 0.1 + 1 + 1  # the last second is for a machine that is busy with other tests
    assert "lifespan is shut down" in err
    assert "is still running and is left behind" in err
    assert "in sleep_in_a_thread" in err


def test_a_thread_of_the_application_does_not_hold_it_either(folder: Path) -> None:
    with serving(folder) as process:
        request(process.port(), "/own").close()
        process.wait_for("blocking")
        code, out, err = process.end(signal.SIGTERM)
    assert code == 0
    assert "the thread 'mine' is still running" in err
    assert '"GET /own HTTP/1.1" 200' in out


def test_idle_threads_are_not_worth_a_word(folder: Path) -> None:
    with serving(folder) as process:
        request(process.port(), "/idle").close()
        assert process.end(signal.SIGTERM)[::2] == (0, "lifespan is shut down\n")


def test_a_blocked_loop_ends_with_the_third_signal(folder: Path) -> None:
    with serving(folder) as process:
        connection = request(process.port(), "/loop", read=False)
        process.wait_for("blocking")
        process.popen.send_signal(signal.SIGINT)
        process.popen.send_signal(signal.SIGTERM)
        time.sleep(0.2)  # signals of one number that come at once are one
        code, _, err = process.end(signal.SIGINT)
        connection.close()
    assert code == 1
    assert "stopped by a third signal" in err


def test_a_blocked_loop_ends_when_the_time_for_a_stop_is_over(folder: Path) -> None:
    with serving(folder, "--graceful-timeout", "0", "--timeout-lifespan-shutdown", "0.1") as process:
        connection = request(process.port(), "/loop", read=False)
        process.wait_for("blocking")
        code, _, err = process.end(signal.SIGTERM)
        connection.close()
    assert code == 1
    assert "MainThread does not end and is left behind" in err
    assert "in sleep_interruptibly" in err


def test_a_signal_during_the_import_ends_it(folder: Path) -> None:
    with started(folder, "-m", "pounce", "slow:app", "--port", "0") as process:
        process.wait_for("importing")
        assert process.end(signal.SIGTERM) == (0, "", "")


@pytest.mark.parametrize("module", ["slow", "collecting"])  # what is raised amid a collection goes nowhere
def test_a_stop_during_the_import_of_processes_is_no_error_of_the_application(folder: Path, module: str) -> None:
    workers = ("--worker-kind", "process", "--workers", "2")
    with started(folder, "-m", "pounce", f"{module}:app", "--port", "0", *workers) as process:
        process.wait_for("importing")
        process.wait_for("importing")
        assert process.end(signal.SIGTERM) == (0, "", "")


def test_an_interrupt_before_anything_is_imported_shows_no_traceback(folder: Path) -> None:
    (folder / "click.py").write_text(MODULES["slow"], encoding="utf-8")  # found instead of the one that we need
    with started(folder, "-m", "pounce", "main:app") as process:
        process.wait_for("importing")
        assert process.end(signal.SIGINT) == (130, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_on_the_way_out_do_not_change_how_it_ends(folder: Path, number: signal.Signals) -> None:
    (folder / "leaving.py").write_text(LEAVING, encoding="utf-8")
    with started(folder, "-m", "pounce", "leaving:app", "--port", "0") as process:
        process.port()
        process.popen.send_signal(number)
        process.wait_for("leaving")
        for _ in range(3):
            process.popen.send_signal(number)
            time.sleep(0.05)  # signals of one number that come at once are one
        assert process.end()[::2] == (0, "gone\n")


def test_a_stdout_that_nobody_reads_blocks_neither_requests_nor_the_exit(folder: Path) -> None:
    with serving(folder) as process:
        port = process.port()
        with contextlib.closing(request(port, "/")) as connection:
            for _ in range(300):
                connection.request("GET", "/" + 1000 * "x")
                assert connection.getresponse().read() == b"hello"
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(30) == 0
        _, err = process.popen.communicate()
    assert "the output is blocked, so the last lines are lost" in err


def test_why_worker_processes_cannot_start_is_said_once(folder: Path) -> None:
    workers = ("--worker-kind", "process", "--workers", "2")
    with started(folder, "-m", "pounce", "nowhere:app", "--port", "0", *workers) as process:
        code, out, err = process.end()
    assert (code, out) == (1, "")
    assert re.fullmatch(r"ERROR:    worker \d exited with code 1: there is no module 'nowhere' .*\n", err)


def test_port_in_use(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with started(folder, "-m", "pounce", "main:app", "--port", str(port)) as process:
            code, out, err = process.end()
    assert (code, out) == (1, "")
    assert err == (
        f"ERROR:    cannot listen on 127.0.0.1:{port}: the address is in use; "
        "stop what listens there, or choose another --port\n"
    )


def test_an_import_error_inside_the_application_shows_its_own_traceback(folder: Path) -> None:
    with started(folder, "-m", "pounce", "inside:app", "--port", "0") as process:
        code, _, err = process.end()
    lines = err.splitlines()
    assert code == 1
    assert lines[0] == "ERROR:    The application raised:"
    assert lines[1] == "Traceback (most recent call last):"
    assert re.fullmatch(r'  File ".*inside\.py", line 1, in <module>', lines[2])
    assert "importlib" not in err
    assert lines[-1] == (
        "ERROR:    importing inside raised ModuleNotFoundError: No module named 'no_such_module_anywhere'; "
        f"the server runs with {sys.executable}, where it is not installed"
    )


def test_a_lifespan_that_fails(folder: Path) -> None:
    with started(folder, "-m", "pounce", "startup:app", "--lifespan", "on", "--port", "0") as process:
        code, _, err = process.end()
    assert code == 1
    assert err.count("Traceback") == 1
    assert "ValueError: no database" in err
    assert "pounce/server.py" not in err
    assert err.splitlines()[-1].startswith("ERROR:    ")


def test_a_mistake_is_one_line(folder: Path) -> None:
    with started(folder, "-m", "pounce", "main:ap", "--port", "0") as process:
        code, out, err = process.end()
    assert (code, out, err) == (2, "", "ERROR:    main has no attribute 'ap'; did you mean 'app'?\n")


def test_run_from_a_script_returns_to_it(folder: Path) -> None:
    with started(folder, "script.py") as process:
        process.port()
        code, out, _ = process.end(signal.SIGTERM)
    assert (code, out) == (0, "after\n")


def test_help_and_version(folder: Path) -> None:
    with started(folder, "-m", "pounce", "--version") as process:
        code, out, err = process.end()
    assert (code, err) == (0, "")
    assert re.match(r"pounce \S+ \(\w+ 3\.", out)
