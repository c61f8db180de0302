"""A Prometheus that scrapes a server for the time of a test."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final, Self

from tests.clients.programs import find_program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RealPrometheus"]

SECONDS: Final = 30.0
"""For a start or a scrape on a busy machine."""

CONFIG: Final = """
global:
  scrape_interval: 300ms
  scrape_timeout: 300ms
scrape_configs:
  - job_name: pounce
    static_configs:
      - targets: ["{target}"]
"""


class RealPrometheus:
    """Leaving the block ends it."""

    def __init__(self, folder: Path, target: str, *features: str) -> None:
        self._folder = folder
        self._target = target
        self._features = [f"--enable-feature={feature}" for feature in features]
        self._program = find_program("prometheus")
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        config = self._folder / "prometheus.yml"
        config.write_text(CONFIG.format(target=self._target))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                    *self._features,
                ],
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(SECONDS)

    def query(self, expression: str) -> list[Any]:
        """What it answers; an error of the expression is one of the test."""
        found = self._get("query?" + urllib.parse.urlencode({"query": expression}))
        assert found["status"] == "success", (expression, found)
        return list(found["data"]["result"])

    def wait_for(self, expression: str) -> list[Any]:
        """What it answers once that is something."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                if found := self.query(expression):
                    return found
            except OSError:
                pass  # it has not started yet
            time.sleep(0.1)
        raise AssertionError(f"{expression}: nothing\n{(self._folder / 'log').read_text()[-3000:]}")

    def targets(self) -> list[Any]:
        """Whom it scrapes, and what went wrong last."""
        return list(self._get("targets")["data"]["activeTargets"])

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/api/v1/{path}")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 503:
                    raise OSError("not ready") from None
                return json.load(error)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
