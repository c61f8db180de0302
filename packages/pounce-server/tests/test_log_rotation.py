"""Logs in files, moved while the server serves, as logrotate does it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX, and an open file cannot be moved")

APPLICATION = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""
ROTATIONS = 2


def wait_until(told: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not told():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_rotation_loses_no_line(tmp_path: Path, kind: str) -> None:
    (tmp_path / "main.py").write_text(APPLICATION)
    access, messages = tmp_path / "access.log", tmp_path / "server.log"
    command = [sys.executable, "-W", "ignore", "-m", "pounce", "main:app", "--port", "0", "--workers", "2"]
    command += ["--worker-kind", kind, "--access-log-file", access.name, "--log-file", messages.name]
    command += ["--access-log-format", "%(U)s %(s)s"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
    process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL)
    sent = 0
    try:
        wait_until(lambda: "Listening on" in text(messages))
        port = int(re.findall(r"Listening on http://127\.0\.0\.1:(\d+)", text(messages))[0])
        for turn in range(ROTATIONS):
            for path in (access, messages):
                if path.exists():
                    path.rename(f"{path}.{turn}")
            access.touch(0o600)
            process.send_signal(signal.SIGUSR1)
            wait_until(messages.exists)
            while not access.stat().st_size or sent % 50:  # both of them may answer
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                    connection.request("GET", f"/{sent}")
                    assert connection.getresponse().read() == b"hello"
                sent += 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    lines = [line for path in tmp_path.glob("access.log*") for line in path.read_text().splitlines()]
    assert sorted(lines) == sorted(f"/{number} 200" for number in range(sent))
    for path in tmp_path.glob("server.log*"):
        for line in path.read_text().splitlines():
            assert {"time", "level", "logger", "message", "process"} <= json.loads(line).keys()
