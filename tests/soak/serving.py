"""The servers of a soak. Their sockets belong to whoever starts them, as with systemd: a restart refuses nobody."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tests.soak.asked import FILE, FILE_SIZE
from tests.soak.http1 import pattern
from tests.soak.readings import Reading, UnixHttp, read_now
from tests.under_load.code import write_code
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing import ThrowAwayCertificate

__all__ = ["Settings", "SoakServer"]

APPLICATION: Final = Path(__file__).with_name("application.py")
GENERATION: Final = "GENERATION: Final = 1\n"
FAULTS: Final = re.compile(
    r"Traceback|Fatal Python error|Exception ignored|\"level\":\"(?:ERROR|CRITICAL)\"| ERROR | CRITICAL "
)
RECYCLED: Final = re.compile(r"it has served \d+ requests")


class Settings:
    """What both servers are given."""

    def __init__(self, *, workers: int, kind: str, requests_of_worker: int, leak: str = "") -> None:
        self.leak = leak
        self.arguments = (
            *("--workers", str(workers), "--worker-kind", kind),
            *("--limit-max-requests", str(requests_of_worker)),
            *("--limit-max-requests-jitter", str(requests_of_worker // 4)),
            *("--graceful-timeout", "20", "--drain-idle", "2", "--max-request-body", "1000000"),
            *("--compress", "--compress-min-size", "200", "--request-id", "--request-id-header", "X-Request-ID"),
            *("--security-headers", "--server-timing", "--health-checks", "--metrics", "--introspection"),
            *("--rate-limit", "1/min", "--rate-limit-burst", "3", "--rate-limit-key", "app:limit_key"),
            *("--rate-limit-clients", "1024", "--no-limit-warnings"),
            *("--access-log-format", "%(U)s?%(q)s %(s)s"),
        )


class SoakServer:
    """One of them, over all its lives. Its port and its UNIX socket stay open all the while."""

    def __init__(self, folder: Path, name: str, settings: Settings, certificate: ThrowAwayCertificate | None) -> None:
        self.name: Final = name
        self.path: Final = str(folder / f"{name}.sock")
        self._folder = folder / name
        self._folder.mkdir()
        (folder / "assets").mkdir(exist_ok=True)
        (folder / "assets" / FILE).write_bytes(pattern(0, FILE_SIZE))
        self._settings = settings
        self._certificate = certificate
        self._tcp = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._unix = socket.socket(socket.AF_UNIX)
        self._unix.bind(self.path)
        self._unix.listen(512)
        self.port: Final[int] = self._tcp.getsockname()[1]
        self.journal: Final = folder / f"{name}.journal"
        self.access_log: Final = folder / f"{name}.access"
        self._logs: list[str] = []
        self._generation = 1
        self.reloads = 0
        self.restarts = 0
        self._write_code()
        self._running = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._running.__exit__(*exc_info)
        self._tcp.close()
        self._unix.close()

    def _write_code(self) -> None:
        text = APPLICATION.read_text(encoding="utf-8")
        assert GENERATION in text
        write_code(self._folder, text.replace(GENERATION, f"GENERATION: Final = {self._generation}\n"))

    def _start(self) -> RunningServer:
        inherited = (self._tcp.fileno(), self._unix.fileno())
        arguments = [argument for fd in inherited for argument in ("--bind", f"fd://{fd}")]
        arguments += ["--static", f"/assets={self._folder.parent / 'assets'}"]
        arguments += ["--access-log-file", str(self.access_log)]
        arguments += ["--introspection-bind", f"unix:{self.path}-in", "--metrics-bind", f"unix:{self.path}-metrics"]
        if self._certificate is not None:
            arguments += ["--quic-bind", f"127.0.0.1:{self.port}"]
            for name, value in self._certificate.settings.items():
                arguments += [f"--{name.replace('_', '-')}", value]
        leak = {"SOAK_LEAK": self._settings.leak} if self._settings.leak else {}
        running = RunningServer(
            self._folder,
            *self._settings.arguments,
            *arguments,
            python=("-m", "pounce", "app:app"),
            environ={"SOAK_JOURNAL": str(self.journal), "POUNCE_LOG_FORMAT": "text", **leak},
            descriptors=inherited,
        )
        running.wait_for("Listening on ")
        return running

    @property
    def log(self) -> str:
        """Of all lives."""
        return "".join((*self._logs, self._running.log))

    @property
    def faults(self) -> list[str]:
        """Lines of its log that are to be in none, each with what follows."""
        lines = self.log.splitlines()
        return ["\n".join(lines[place : place + 16]) for place, line in enumerate(lines) if FAULTS.search(line)]

    @property
    def recycled(self) -> int:
        """Workers that have made room, having served enough."""
        return len(RECYCLED.findall(self.log))

    def reload(self) -> None:
        """New code; returns when it serves, and nothing of the old does."""
        self._generation += 1
        self._write_code()
        self._running.reload(self.reloads_of_this_life + 2)
        self.reloads += 1

    @property
    def reloads_of_this_life(self) -> int:
        return len(re.findall(r"generation \d+ of the code serves", self._running.log))

    def restart(self) -> None:
        """As a service manager does: stop, then start. The sockets are open meanwhile."""
        self.stop()
        self._running = self._start()
        self.restarts += 1

    def stop(self) -> None:
        code = self._running.stop()
        assert code == 0, self._running.log[-3000:]
        self._logs.append(self._running.log)

    def read(self) -> Reading:
        """What it has now; raises OSError while it is away."""
        context = None
        if self._certificate is not None:
            context = ssl.create_default_context(cafile=self._certificate.certfile)
        return read_now(self._running.pid, lambda: UnixHttp(self.path, context), lambda: UnixHttp(f"{self.path}-in"))

    def settled(self, seconds: float = 40.0) -> Reading:
        """What it has when nobody is there any more, and nothing changes any more."""
        last: list[Reading] = []

        def quiet() -> bool:
            with contextlib.suppress(OSError):
                last.append(self.read())
            same = len(last) > 2 and _counts(last[-1]) == _counts(last[-2]) == _counts(last[-3])
            return same and last[-1].connections == 0

        wait_until(quiet, f"nobody is connected to {self.name}: {last[-3:]}", seconds)
        return last[-1]

    def lines(self) -> Iterator[bytes]:
        """Of the journal of all lives."""
        with self.journal.open("rb") as file:
            yield from file


def _counts(reading: Reading) -> tuple[int, ...]:
    return (reading.descriptors, reading.threads, reading.tasks, reading.generations)
