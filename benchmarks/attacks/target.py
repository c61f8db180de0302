"""The server that is attacked, with one worker, and what it holds."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.attacks.attack import Ports
from benchmarks.certificate import make_certificate
from benchmarks.process_tree import members, pss_bytes
from benchmarks.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Held", "Target", "attacked_server"]

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 30.0
FILE_SIZE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """By the server, at one moment."""

    memory: int
    """Bytes; what is shared with others counts in part."""
    descriptors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that runs."""

    pid: int
    ports: Ports
    folder: Path
    """There is its log, and there is room for others."""

    def held(self) -> Held:
        count = 0
        for pid in members(self.pid):
            with contextlib.suppress(OSError):
                count += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        return Held(memory=pss_bytes(self.pid), descriptors=count)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def attacked_server(
    folder: Path, options: Sequence[str] = (), *, secure: bool = False, quic: bool = False
) -> Iterator[Target]:
    """With its defaults but for the log, and these options. ``secure``: with TLS, and HTTP/3 if ``quic``.

    Raises:
        OSError: it does not begin to listen.
    """
    port = free_port()
    (folder / "file").write_bytes(os.urandom(FILE_SIZE))
    command = [sys.executable, "-m", "pounce", "benchmarks.attacks.app:app", "--workers", "1", "--no-access-log"]
    command += ["--port", str(port), *[option.format(folder=folder) for option in options]]
    ports = Ports(clear=port, tls=0, quic=0)
    if secure:
        certificate = make_certificate(folder)
        command += ["--ssl-certfile", str(certificate.certificate), "--ssl-keyfile", str(certificate.key)]
        ports = Ports(clear=0, tls=port, quic=free_port() if quic else 0)
        command += ["--quic-bind", f"{HOST}:{ports.quic}"] if quic else []
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            wait_for(port, process)
            yield Target(pid=process.pid, ports=ports, folder=folder)
        finally:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.02)
        else:
            return
