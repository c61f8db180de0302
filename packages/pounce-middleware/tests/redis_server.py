"""A real redis-server of the tests' own: on a UNIX socket and a port of its own, without files, ended with them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

import pytest

__all__ = ["RedisServer", "find_redis_server"]

START_SECONDS: Final = 20


def find_redis_server() -> str:
    """The path of redis-server or valkey-server. Without one the test is skipped, but not where CI installs it."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    can_be_installed = os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None
    if os.environ.get("CI") == "true" and can_be_installed and "CLIENTS_NOT_INSTALLED" not in os.environ:
        pytest.fail("redis-server is not installed, and .ci/run installs it")
    pytest.skip("REDIS-SERVER IS NOT INSTALLED: this test has not run")


class RedisServer:
    """A context manager. It can be stopped and started again, on the same port."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._folder = Path(tempfile.mkdtemp(prefix="pounce-redis-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = self._folder / "s"
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port: int = taken.getsockname()[1]

    @property
    def url(self) -> str:
        """Its address over TCP."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        """Its address as a UNIX socket."""
        return f"unix://{self.socket}?db=0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"port": self.port, "bind": "127.0.0.1", "unixsocket": self.socket, "save": "", "appendonly": "no"}
        self._process = subprocess.Popen(
            [self._program, *(word for name, value in options.items() for word in (f"--{name}", str(value)))],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                    client.sendall(b"PING\r\n")
                    if client.recv(100).startswith(b"+PONG"):
                        return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError(f"{self._program} did not start")

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
