"""Neither importing a package nor starting the server asks the network for anything.

An audit hook sees each name that is looked up and each address that is connected to, by whatever library, and ends the
process. What a user asks for (a certificate's name, a tracing backend, Redis) is another matter.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from scripts.packages import packages

if TYPE_CHECKING:
    from pathlib import Path

WATCH: Final = """
import importlib, ipaddress, os, pkgutil, sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"):
        asked = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        asked = arguments[1][0]
    else:
        return
    try:
        here = asked in (None, "", "localhost", b"localhost") or ipaddress.ip_address(asked).is_loopback
        here = here or ipaddress.ip_address(asked).is_unspecified
    except ValueError:
        here = False
    if not here:
        os.write(2, f"the network was asked: {event} {arguments[1:]!r}\\n".encode())
        os._exit(99)

sys.addaudithook(watch)
"""
IMPORT: Final = """
for root in sys.argv[1:]:
    for found in pkgutil.walk_packages(importlib.import_module(root).__path__, root + "."):
        try:
            found.name.endswith("__main__") or importlib.import_module(found.name)
        except ImportError:
            pass  # what an extra would bring is another test's matter
"""
SERVE: Final = """
import threading, urllib.request
import pounce

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})

server = pounce.Server(pounce.ServerConfig(app=app, port=0))
serving = threading.Thread(target=server.serve_blocking)
serving.start()
assert server.wait_until_started(60)
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
    f"http://127.0.0.1:{server.addresses[0].port}/", timeout=60
) as answer:
    assert answer.read() == b"here"
server.request_stop()
serving.join()
"""
ASK: Final = "import socket; socket.getaddrinfo('pypi.example', 443)"
CONNECT: Final = "import socket; socket.socket().connect(('192.0.2.1', 443))"


def run(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WATCH + script, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("script", [ASK, CONNECT])
def test_the_hook_sees_what_would_leave_the_machine(tmp_path: Path, script: str) -> None:
    assert run(script, tmp_path).returncode == 99


def test_no_import_asks_the_network(tmp_path: Path) -> None:
    done = run(IMPORT, tmp_path, *(package.import_name for package in packages().values()))
    assert done.returncode == 0, done.stderr


def test_no_start_asks_the_network(tmp_path: Path) -> None:
    done = run(SERVE, tmp_path)
    assert done.returncode == 0, done.stderr
