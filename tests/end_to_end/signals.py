"""What a test and its application tell each other, wherever that runs: in this thread, another or another process."""

from __future__ import annotations

import asyncio
import os
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

__all__ = ["WAIT_SECONDS", "Signals"]

WAIT_SECONDS = 20.0
"""How long anything waits for its counterpart: far longer than it takes, short enough to fail."""

LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Signals:
    """Named events, each with a text, as files in a folder."""

    folder: Path

    @classmethod
    def of_query(cls, query: bytes | str) -> Signals:
        """Those of the test that sent a request with `query`."""
        text = query.decode() if isinstance(query, bytes) else query
        return cls(Path(urllib.parse.unquote(text)))

    @property
    def query(self) -> bytes:
        """The query that tells the application where to look."""
        return urllib.parse.quote(os.fspath(self.folder), safe="/").encode()

    def set(self, name: str, text: str = "") -> None:
        """Let ``name`` have happened."""
        written = self.folder / f"{name}.part"
        written.write_text(text, encoding="utf-8")
        written.replace(self.folder / name)

    def happened(self, name: str) -> bool:
        """Whether it has."""
        return (self.folder / name).exists()

    def wait(self, name: str) -> str:
        """Wait until it has happened: its text."""
        end = time.monotonic() + WAIT_SECONDS
        while not self.happened(name):
            assert time.monotonic() < end, f"{name!r} did not happen"
            time.sleep(LOOK_SECONDS)
        return (self.folder / name).read_text(encoding="utf-8")

    async def wait_in_loop(self, name: str) -> None:
        """The same for a coroutine."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not self.happened(name):  # noqa: ASYNC110 - perhaps it happens in another process
                await asyncio.sleep(LOOK_SECONDS)
