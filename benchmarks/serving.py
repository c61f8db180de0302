"""A server under measurement: started on a core of its own, asked for one answer, and ended for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.answers import check_answer
from benchmarks.certificate import CertificateError, make_certificate
from benchmarks.process_tree import members
from benchmarks.servers import HOST, Launch, Mode, Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.workloads import Workload

__all__ = ["ROOT", "on_core", "serving"]

ROOT: Final = Path(__file__).resolve().parent.parent

START_SECONDS: Final = 30.0
"""A cold import of a framework on a busy machine takes several seconds."""
STOP_SECONDS: Final = 5.0
TAIL: Final = 2000
"""Characters of a server's output that a failure shows."""


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Processes started in here may only use this core: affinity is inherited, so this thread takes it meanwhile."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(
    server: Server, workload: Workload, mode: Mode, *, python: str, core: int | None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the server; what is given is its process and its port, once it has answered the request properly.

    Raises:
        ServerError: it does not start or does not answer as it has to; the message ends with its last output.
    """
    with tempfile.TemporaryDirectory(prefix="pounce-benchmark-", ignore_cleanup_errors=True) as folder:
        output = Path(folder) / "output.log"
        launch = _launch(workload, mode, python, Path(folder))
        process = _start(server.command(launch), output, core)
        try:
            _await_answer(process, launch.port, workload)
            try:
                yield process, launch.port
            finally:
                # Whatever else went wrong meanwhile, this is why.
                if process.poll() is not None:
                    raise ServerError(f"ended with exit code {process.returncode} under load")
        except ServerError as failure:
            said = output.read_text(errors="replace")[-TAIL:]
            raise ServerError(f"{failure}\n{said}".rstrip()) from failure
        finally:
            stop(process)


def _launch(workload: Workload, mode: Mode, python: str, folder: Path) -> Launch:
    try:
        certificate = make_certificate(folder) if workload.wire.secure else None
    except CertificateError as error:
        raise ServerError(str(error)) from error
    return Launch(
        python=python,
        app=workload.app,
        port=free_port(),
        mode=mode,
        folder=folder,
        wire=workload.wire,
        certificate=certificate,
    )


def _start(command: Sequence[str], output: Path, core: int | None) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, by which its processes are known when they have to be ended."""
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    environ["PYTHONPATH"] = str(ROOT)  # where the applications are
    with output.open("wb") as file, on_core(core):
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=ROOT,
            start_new_session=True,
        )


def _await_answer(process: subprocess.Popen[bytes], port: int, workload: Workload) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return check_answer(port, workload)
        except OSError as error:
            if process.poll() is not None:
                raise ServerError(f"ended with exit code {process.returncode} at its start") from error
            if time.monotonic() > deadline:
                raise ServerError(f"does not answer after {START_SECONDS:g} s: {error!r}") from error
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and everything that it started."""
    tree = members(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for pid in tree:
        with contextlib.suppress(ProcessLookupError):
            # Its number may be somebody else's by now: only what is in the session that we made.
            if os.getsid(pid) == process.pid:
                os.kill(pid, signal.SIGKILL)
    process.wait()
