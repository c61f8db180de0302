"""A server that counts its own records and says at its end how many there were: ``python -m tests.stress.counted_server
'{"config": {...}, "interval": 1e-5, "watch": false}'``.

With ``watch`` it also says which attributes several threads have written without a lock (`tests.stress.writers`).
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

__all__ = ["main"]


class _Counts:
    """A cell for each thread that counts."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all: list[list[int]] = []  # under the lock

    def completed(self, record: Any) -> None:
        """A request is over."""
        mine = self._mine()
        mine[0] += 1
        mine[1] += record.aborted

    def opened(self, _record: Any) -> None:
        """A client has come."""
        self._mine()[2] += 1

    def closed(self, _record: Any) -> None:
        """It is gone."""
        self._mine()[3] += 1

    def _mine(self) -> list[int]:
        try:
            mine: list[int] = self._local.mine
        except AttributeError:
            mine = self._local.mine = [0, 0, 0, 0]
            with self._lock:
                self._all.append(mine)
        return mine

    def totals(self) -> list[int]:
        """Completed, aborted, opened, closed: once all threads have ended."""
        return [sum(one) for one in zip(*self._all, strict=True)] or [0, 0, 0, 0]


def main(options: dict[str, Any]) -> int:
    """Serve until stopped; what the server returns."""
    sys.setswitchinterval(options.get("interval", 0.005))
    writers = None
    if options.get("watch"):
        from tests.stress.writers import watched

        writers = watched(options.get("noise", 0.0), options.get("seed", 0))
    from pounce import Server, ServerConfig
    from pounce_asgi import ConnectionClosed, ConnectionOpened, Listeners, ResponseCompleted, Subscriber

    counts = _Counts()
    listeners = Listeners.of(
        Subscriber(counts.completed, ResponseCompleted),
        Subscriber(counts.opened, ConnectionOpened),
        Subscriber(counts.closed, ConnectionClosed),
    )
    code = Server(ServerConfig.of(options["config"]), listeners=listeners).run()
    completed, aborted, opened, closed = counts.totals()
    print(f"COMPLETED {completed} ABORTED {aborted} OPENED {opened} CLOSED {closed}", flush=True)
    if writers is not None:
        print(f"WRITES {writers.writes}", flush=True)
        for owner, name in writers.shared():
            print(f"SHARED {owner} {name}", flush=True)
        for owner, name in writers.raced():
            print(f"RACED {owner} {name}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
