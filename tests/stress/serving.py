"""Whole servers with threads for workers, clients at their worst and new code meanwhile: everything adds up."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pounce_testing import throw_away_certificate
from tests.stress.applications import APPLICATIONS
from tests.stress.protocol_clients import LIBRARY, ProtocolClients
from tests.stress.unruly_clients import UnrulyClients
from tests.under_load.code import write_code
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.stress.crowd import Circumstances

__all__ = ["KINDS", "Served", "ServerKind", "drawn_kind", "serve_every_protocol", "serve_unruly_clients"]

ROOT: Final = Path(__file__).resolve().parent.parent.parent

FAULTS: Final = re.compile(r"Traceback|Fatal Python error|Exception ignored|ERROR|CRITICAL|Warning:|WARNING: ThreadSan")

SECONDS: Final = 150.0
"""For anything: an interpreter with assertions, on a machine with other things to do, takes its time."""
QUIC: Final = r"https://127\.0\.0\.1:(\d+) \(HTTP/3\)"
TOTALS: Final = re.compile(r"COMPLETED (\d+) ABORTED (\d+) OPENED (\d+) CLOSED (\d+)")
SHARED: Final = re.compile(r"^SHARED (\S+) (\S+)$", re.MULTILINE)
RACED: Final = re.compile(r"^RACED (\S+) (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ServerKind:
    """An interface, and the settings that make a kind of worker of it. ``{n}`` threads, in one way or another."""

    interface: str
    workers: str
    """Which setting has the number of threads."""
    settings: tuple[tuple[str, Any], ...] = ()

    def config(self, threads: int) -> dict[str, Any]:
        """The settings of a server with so many threads."""
        return {"app": "app:app", "port": 0, "worker_kind": "thread", "graceful_timeout": 20.0, "workers": 2} | {
            **dict(self.settings),
            self.workers: threads,
        }


CHAIN: Final = (
    *(("request_id_header", "x-id"), ("compress", True), ("rate_limit", "1000000/s"), ("request_queue_limit", 500)),
    *(("server_timing", True), ("health_checks", True), ("introspection", True), ("access_log_format", "combined")),
)

KINDS: Final = {
    "async": ServerKind("asgi", "workers"),
    "async-chain": ServerKind("asgi", "workers", CHAIN),
    "async-lifted": ServerKind("wsgi", "workers", (("worker_mode", "async"), ("sync_threads", 4))),
    "asgi-in-sync": ServerKind("asgi", "sync_threads", (("worker_mode", "sync"),)),
    "wsgi": ServerKind("wsgi", "sync_threads"),
    "sync": ServerKind("sync", "sync_threads"),
    "sync-one": ServerKind("sync", "sync_threads", (("workers", 1),)),
}


@dataclass(frozen=True, slots=True)
class Served:
    """What came of one run."""

    answered: int
    shared: tuple[tuple[str, str], ...]
    """Attributes with several writers and no lock, where that was watched."""
    raced: tuple[tuple[str, str], ...]
    """Those that two wrote of which neither waited for the other."""


def serve_unruly_clients(
    folder: Path,
    kind: ServerKind,
    given: Circumstances,
    *,
    reloads: int,
    answers: int = 300,
    flags: Sequence[str] = ("-X", "faulthandler"),
    watch: bool = False,
) -> Served:
    """Start such a server, reload it so often under load, stop it, and let the clients, the access log and the records
    agree on what happened. ``answers``: so many before each reload, and before the end.

    Raises:
        AssertionError: they do not, or something was logged that is no good news.
    """
    application = APPLICATIONS[kind.interface]
    write_code(folder, application.format(generation=1))
    options = {"config": kind.config(given.threads), "interval": given.interval, "watch": watch, "seed": given.seed}
    if watch:
        options["noise"] = 0.02
    with RunningServer(
        folder,
        python=(*flags, "-m", "tests.stress.counted_server", json.dumps(options)),
        environ=surroundings(folder),
    ) as server:
        with UnrulyClients(port_of(server), seed=given.seed) as clients:
            for generation in range(2, reloads + 2):
                seen = clients.tally.answered
                wait_until(lambda: clients.tally.answered > seen + answers, "clients are served", SECONDS)  # noqa: B023 - not kept
                write_code(folder, application.format(generation=generation))
                server.signal(signal.SIGHUP)
                server.wait_for(rf"generation {generation} of the code serves", SECONDS)
            seen = clients.tally.answered
            wait_until(lambda: clients.tally.answered > seen + answers, "the last code serves", SECONDS)
            tally = clients.stop()
        assert server.stop(SECONDS) == 0, server.news
    assert tally.lost == [], f"{tally.lost}\n{server.news}"
    assert not (found := FAULTS.search(server.news)), f"{found}\n{server.news}"
    counted = server.wait_for(TOTALS)
    completed, aborted, opened, closed = map(int, counted.groups())
    assert opened == closed, "every connection that was opened is closed"
    assert completed == server.access_lines, "a record for each line"
    if "access_log_format" not in dict(kind.settings):
        assert aborted == server.log.count(" aborted\n")
    # A client that left does not know what became of its request: it may have been read, or not.
    assert tally.answered <= completed <= tally.answered + tally.abandoned
    assert completed - aborted >= tally.answered
    return Served(tally.answered, tuple(SHARED.findall(server.news)), tuple(RACED.findall(server.news)))


def surroundings(folder: Path) -> dict[str, str]:
    """What a server is told by its environment: where our code is, and that it may keep what it compiles."""
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), *sys.path]), "PYTHONDONTWRITEBYTECODE": ""}


def port_of(server: RunningServer) -> int:
    """Where it listens, once it does."""
    return int(server.wait_for(r"https?://127\.0\.0\.1:(\d+)", SECONDS)[1])


def serve_every_protocol(folder: Path, given: Circumstances, *, answers: int = 100) -> Served:
    """A watched server that speaks HTTP/2, WebSockets and HTTP/3 over TLS, and clients of these.

    Raises:
        AssertionError: an answer is wrong, or something was logged that is no good news.
    """
    made = throw_away_certificate()
    config = KINDS["async"].config(given.threads) | made.settings | {"app": "tests.clients.site:app"}
    config |= {"http2": "on", "quic_bind": ["127.0.0.1:0"]} if LIBRARY else {"http2": "on"}
    options = {"config": config, "interval": given.interval, "watch": True, "noise": 0.01, "seed": given.seed}
    python = ("-X", "faulthandler", "-m", "tests.stress.counted_server", json.dumps(options))
    with RunningServer(folder, python=python, environ=surroundings(folder)) as server:
        port = port_of(server)
        udp = int(server.wait_for(QUIC)[1]) if LIBRARY else 0
        with ProtocolClients(port, udp, made.certfile, seed=given.seed) as clients:
            wait_until(
                lambda: clients.tally.answered > answers or bool(clients.tally.lost), "clients are served", SECONDS
            )
            tally = clients.stop()
        assert server.stop(SECONDS) == 0, server.news
    assert tally.lost == [], f"{tally.lost}\n{server.news}"
    assert not (found := FAULTS.search(server.news)), f"{found}\n{server.news}"
    return Served(tally.answered, tuple(SHARED.findall(server.news)), tuple(RACED.findall(server.news)))


def drawn_kind(seed: int) -> tuple[str, int]:
    """The name of a kind, and how many reloads."""
    dice = random.Random(seed)
    return dice.choice(sorted(KINDS)), dice.randint(0, 2)
