"""What the worker processes of the tests run: a server without HTTP, which answers each connection with its pid."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import threading
import time
from typing import TYPE_CHECKING

from pounce_asgi import LifespanError

if TYPE_CHECKING:
    import socket

    from pounce_workers.supervision.birth import Birth
    from pounce_workers.supervision.slots import MoveTo


class PidServer:
    """Answers in its main thread. To ``block`` it goes on sleeping, and its beat stops."""

    def __init__(self, birth: Birth) -> None:
        self.beat = 0.0
        self.load = 0
        self.requests_served = 0
        self._birth = birth
        self._stops = 0
        self._held: list[socket.socket] = []

    def run(self) -> None:
        listener = self._birth.sockets[0]
        listener.setblocking(False)
        self.beat = time.monotonic()
        self._birth.ready()
        while not self._stops:
            self.beat = time.monotonic()
            try:
                client, _ = listener.accept()
            except BlockingIOError:
                time.sleep(0.005)
                continue
            client.settimeout(10.0)
            self._answer(client)
        while self._held and self._stops == 1:  # in flight
            time.sleep(0.005)

    def _answer(self, client: socket.socket) -> None:
        asked = client.recv(16)
        if asked == b"block":
            time.sleep(60.0)
        elif asked == b"hold":
            self._held.append(client)
            client.sendall(b"held %d" % os.getpid())
            self.load = len(self._held)
            return
        self.requests_served += 1
        client.sendall(b"%d" % os.getpid())
        client.close()

    def request_stop(self) -> None:
        self._stops += 1

    def retire(self, move_to: MoveTo | None = None) -> None:
        self.request_stop()


def serve(birth: Birth) -> None:
    server = PidServer(birth)
    birth.attach(server)
    server.run()


def describe(birth: Birth) -> None:
    """Write down what this process was given."""
    found = {
        "argv": sys.argv,
        "path": sys.path,
        "dev_mode": sys.flags.dev_mode,
        "warnoptions": sys.warnoptions,
        "optimize": sys.flags.optimize,
        "main": getattr(sys.modules["__main__"], "__file__", None),
        "cwd": str(pathlib.Path.cwd()),
        "environment": [name for name in os.environ if name.startswith("POUNCE")],
        "inheritable": [sock.get_inheritable() for sock in birth.sockets],
        "worker": [birth.worker_id, birth.generation],
    }
    pathlib.Path(birth.payload).write_text(json.dumps(found))


def fail(birth: Birth) -> None:
    raise {"lifespan": LifespanError("the database is not there"), "other": ValueError("no"), "exit": SystemExit(7)}[
        birth.payload
    ]


def sleep_at_the_start(birth: Birth) -> None:
    """As an import that takes its time."""
    pathlib.Path(birth.payload).touch()
    time.sleep(60.0)


def converse(birth: Birth) -> None:
    """Answer, ask back, and leave a word."""
    birth.answers["double"] = lambda arguments: 2 * arguments["value"]
    birth.answers["ask back"] = lambda arguments: birth.ask("greet", arguments, 10.0)
    serve(birth)
    birth.leave_word({"served": True})


def leave_a_thread_behind(birth: Birth) -> None:
    threading.Thread(target=time.sleep, args=(60.0,), name="forgotten").start()
    serve(birth)


def ignore_the_stop(birth: Birth) -> None:
    server = PidServer(birth)
    server.request_stop = lambda: None  # type: ignore[method-assign]
    birth.attach(server)
    server.run()
