"""Answers of a server to `pounce top`, and a server that gives them over a UNIX socket."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


def worker(worker_id: int = 0, served: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "worker_id": worker_id,
        "generation": 1,
        "kind": "thread",
        "mode": "async",
        "pid": 100,
        "thread_id": 7,
        "thread": "pounce-worker-0",
        "beat_age": 0.1,
        "answers": True,
        "lag": 0.0004,
        "connections": 3,
        "in_flight": 1,
        "queued": 0,
        "requests_served": served,
        "threads": [],
    } | changes


def request(path: str = "/items", age: float | None = 2.5, **changes: Any) -> dict[str, Any]:
    return {
        "worker_id": 0,
        "kind": "http",
        "protocol": "h2",
        "client": "192.0.2.7:50000",
        "method": "GET",
        "path": path,
        "state": "waiting",
        "age": age,
        "status": None,
    } | changes


def process(*workers: dict[str, Any], pid: int = 100, **changes: Any) -> dict[str, Any]:
    value = {"pid": pid, "gil": False, "rss": 50 * 1024 * 1024, "cpu": 10.0, "uptime": 3725.0, "workers": list(workers)}
    return {"pid": pid, "worker_id": None, "generation": 1, "alive": True, "value": value | changes}


def traffic(ok: int = 0, errors: int = 0, sent: int = 0, latency: Any = ()) -> dict[str, Any]:
    responses = {"2xx": ok, "5xx": errors}
    return {"responses": responses, "aborted": 0, "failed": 0, "bytes": sent, "latency": [list(one) for one in latency]}


def answer(at: float = 0.0, *processes: dict[str, Any], requests: Any = (), numbers: Any = None) -> dict[str, Any]:
    return {
        "time": 1.0,
        "monotonic": at,
        "info": {"version": "1.2.3"},
        "processes": list(processes),
        "requests": [{"pid": 100, "alive": True, "value": {"requests": list(requests)}}],
        "traffic": numbers,
    }


class AnsweringServer:
    """Answers every connection with the next answer, the last again and again. Owned by the test; a thread serves."""

    def __init__(self, path: Path, *answers: dict[str, Any], status: str = "200 OK") -> None:
        self._answers = list(answers)
        self._status = status
        self.asked: list[bytes] = []
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(16)
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        with socket.socket(socket.AF_UNIX) as last:  # wakes it
            last.connect(str(self.path))
        self._thread.join()
        self._socket.close()
        self.path.unlink()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self._ended:
                    return
                head = b""
                while b"\r\n\r\n" not in head and (data := connection.recv(65536)):
                    head += data
                if not head:
                    continue  # somebody only looked whether we listen
                self.asked.append(head.partition(b"\r\n")[0])
                body = json.dumps(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]).encode()
                fields = f"HTTP/1.1 {self._status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                connection.sendall(fields.encode() + body)
