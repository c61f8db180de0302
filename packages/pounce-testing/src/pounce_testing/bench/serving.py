"""A server under measurement: started in a session of its own, asked for one answer, and ended for certain."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce_testing.bench.contestants import HOST, Contestant, Launch
from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.process_tree import members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing.bench.request import LoadRequest

__all__ = ["Served", "free_port", "serving"]

START_SECONDS: Final = 60.0
"""The cold import of a large application on a busy machine."""
STOP_SECONDS: Final = 5.0
BETWEEN_LOOKS: Final = 0.05
TAIL: Final = 2000
"""Characters of a server's output that a failure shows."""


class Served:
    """A server that answers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, status: int) -> None:
        self.pid = process.pid
        self.port = port
        self.status = status
        """Of its first answer."""


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(contestant: Contestant, launch: Launch, request: LoadRequest) -> Iterator[Served]:
    """Run the server while the block runs, from when it has answered once.

    Raises:
        BenchError: it does not start, does not answer, or ends too early; the message ends with its last output.
    """
    with tempfile.TemporaryDirectory(prefix="pounce-bench-", ignore_cleanup_errors=True) as folder:
        output = Path(folder) / "output.log"
        with output.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - the command of the table
                contestant.command(launch),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=launch.app_dir,
                start_new_session=True,
            )
        try:
            served = Served(process, launch.port, _first_status(process, launch.port, request))
            try:
                yield served
            finally:
                if process.poll() is not None:  # whatever else went wrong meanwhile, this is why
                    raise BenchError(f"ended with exit code {process.returncode} under load")
        except BenchError as failure:
            said = output.read_text(errors="replace")[-TAIL:]
            raise BenchError(f"{failure}\n{said}".rstrip()) from failure
        finally:
            _stop(process)


def _first_status(process: subprocess.Popen[bytes], port: int, request: LoadRequest) -> int:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return _ask(port, request)
        except (OSError, http.client.HTTPException) as error:
            if process.poll() is not None:
                raise BenchError(f"ended with exit code {process.returncode} at its start") from error
            if time.monotonic() > deadline:
                raise BenchError(f"does not answer after {START_SECONDS:g} s: {error!r}") from error
        time.sleep(BETWEEN_LOOKS)


def _ask(port: int, request: LoadRequest) -> int:
    """The status of one answer.

    Raises:
        BenchError: the application answers with an error; that would be compared in vain.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request(request.method, request.path, request.body or None, dict(request.headers))
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    if response.status >= 400:
        raise BenchError(
            f"answers {request.method} {request.path} with {response.status}: choose another path with --path"
        )
    return response.status


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and everything that it started."""
    tree = members(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    if process.poll() is None:
        process.kill()
    for pid in tree if hasattr(os, "getsid") else []:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # Its number may be somebody else's by now: only what is in the session that we made.
            if os.getsid(pid) == process.pid:
                os.kill(pid, signal.SIGKILL)
    process.wait()
