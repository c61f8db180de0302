"""What an operator sees of a server that the command started, in threads and processes."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pounce_workers import is_free_threaded
from tests.end_to_end.process import ServerProcess, run_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
APP: Final = ("tests.observability.observed_application:app", "--port", "0")
KINDS: Final = {
    "thread": ("--workers", "2", "--worker-kind", "thread"),
    "process": ("--workers", "2", "--worker-kind", "process"),
}
SOON: Final = 20.0
REFUSED: Final = 77
STRANGER: Final = f"""
import os, socket, sys
os.setgid(65534)
os.setuid(65534)
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except PermissionError:
    sys.exit({REFUSED})
"""
"""Another user of the machine, who wants to ask."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and UNIX sockets")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SOON)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SOON)
        self.sock.connect(self.path)


def asked(connection: http.client.HTTPConnection, path: str, method: str = "GET") -> tuple[int, bytes]:
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def get(server: ServerProcess, path: str) -> bytes:
    status, body = asked(http.client.HTTPConnection("127.0.0.1", server.port, timeout=SOON), path)
    assert status in (200, 500), body
    return body


def scraped(server: ServerProcess) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a scrape."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(get(server, "/metrics").decode())
        for sample in family.samples
    }


def total(samples: dict[Any, float], name: str, **labels: str) -> float:
    return sum(
        value for (found, has), value in samples.items() if found == name and labels.items() <= dict(has).items()
    )


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One that is watched in every way, and has answered ten requests and failed once."""
    folder = tmp_path_factory.mktemp("run")
    options = ("--metrics", "--introspection", "--introspection-bind", f"unix:{folder / 'admin.sock'}")
    with ServerProcess(ROOT, *APP, *KINDS[request.param], *options) as started:
        for _ in range(10):
            assert get(started, "/") == b"ok"
        get(started, "/fail")
        yield started
        started.send_signal(signal.SIGTERM)
        assert started.wait(SOON) == 0
        assert not (folder / "admin.sock").exists()


def place(server: ServerProcess) -> UnixConnection:
    return UnixConnection(server.wait_for_line(r"Introspection on unix:(\S+)").group(1))


def told(server: ServerProcess, what: str) -> list[dict[str, Any]]:
    status, body = asked(place(server), f"/_pounce/{what}")
    assert status == 200
    processes: list[dict[str, Any]] = json.loads(body)["processes"]
    assert [one["error"] for one in processes] == [""] * len(processes)
    return [one["value"] for one in processes]


def test_the_numbers_of_all_workers_add_up(server: ServerProcess) -> None:
    samples = scraped(server)
    assert total(samples, "pounce_http_requests_total", status="200", method="GET") >= 10
    assert total(samples, "pounce_http_requests_total", status="500") == 1
    assert total(samples, "pounce_application_errors_total") == 1
    assert total(samples, "pounce_workers") == 2
    assert total(samples, "pounce_http_requests_in_flight") == 1  # this one
    assert total(samples, "pounce_reload_generation") == 1
    assert {dict(labels)["worker"] for name, labels in samples if name == "pounce_event_loop_lag_seconds"} <= {"0", "1"}


def test_what_the_application_counts_is_beside_ours(server: ServerProcess) -> None:
    assert total(scraped(server), "jobs_done_total") >= 10


def test_where_a_request_waits_is_told(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), SOON) as client:
        client.sendall(b"GET /wait?token=secret HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + SOON
        while not (found := _waiting(server)) and time.monotonic() < deadline:
            pass  # it is on its way; each look is a request that takes a moment
        (request,) = found
        assert (request["method"], request["path"]) == ("GET", "/wait")
        assert "wait_for_the_client" in {frame["function"] for frame in request["stack"]}
        assert "secret" not in json.dumps(request)
        connections = [one for value in told(server, "connections") for one in value["connections"]]
        assert [one["path"] for one in connections if one["state"] == "in_request"] == ["/wait"]


def _waiting(server: ServerProcess) -> list[dict[str, Any]]:
    requests = [one for value in told(server, "tasks") for one in value["requests"]]
    return [one for one in requests if one["path"] == "/wait" and one["stack"]]


def test_workers_and_configuration_are_told(server: ServerProcess) -> None:
    workers = [one for value in told(server, "workers") for one in value["workers"]]
    assert sorted(one["worker_id"] for one in workers) == [0, 1]
    assert all(one["answers"] for one in workers)
    _, body = asked(place(server), "/_pounce/config")
    assert json.loads(body)["config"]["workers"] == 2


def test_the_view_of_it(server: ServerProcess) -> None:
    where = place(server).path
    done = run_to_end(ROOT, "top", where, "--json", "--interval", "0.2")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["workers"]) == 2


def test_a_profile_of_all_workers(server: ServerProcess, tmp_path: Path) -> None:
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            get(server, "/")

    busy = threading.Thread(target=ask)
    busy.start()
    try:
        output = tmp_path / "profile.folded"
        done = run_to_end(ROOT, "profile", place(server).path, "--seconds", "1", "-o", str(output))
    finally:
        stop.set()
        busy.join(SOON)
    assert done.returncode == 0, done.stderr
    profile = output.read_text()
    assert "pounce_workers/serving/worker.py" in profile
    # A free-threaded build is looked at so seldom that which code is hit is chance.
    assert is_free_threaded() or "observed_application" in profile


def test_nobody_else_is_answered(server: ServerProcess) -> None:
    assert get(server, "/_pounce/config") == b"ok"  # the application's own answer: nothing of this is on its port
    assert stat.S_IMODE(Path(place(server).path).stat().st_mode) == 0o600
    if os.geteuid() == 0:
        stranger = subprocess.run([sys.executable, "-c", STRANGER, place(server).path], check=False, timeout=60)
        assert stranger.returncode == REFUSED


@pytest.mark.parametrize("kind", KINDS)
def test_log_files_are_opened_anew(kind: str, tmp_path: Path) -> None:
    access, messages = tmp_path / "access.log", tmp_path / "messages.log"
    options = ("--access-log-file", str(access), "--log-file", str(messages), "--metrics")
    with ServerProcess(ROOT, *APP, *KINDS[kind], "--bind", f"unix:{tmp_path / 'app.sock'}", *options) as server:
        _wait_for(lambda: messages.exists() and "Listening on" in messages.read_text())
        assert asked(UnixConnection(str(tmp_path / "app.sock")), "/first")[0] == 200
        _wait_for(lambda: access.exists() and "/first" in access.read_text())
        access.rename(tmp_path / "access.log.1")
        messages.rename(tmp_path / "messages.log.1")
        server.send_signal(signal.SIGUSR1)
        _wait_for(lambda: access.exists() and messages.exists())
        seen = 0

        def both_are_new() -> bool:  # the processes open them one after another
            nonlocal seen
            seen += 1
            assert asked(UnixConnection(str(tmp_path / "app.sock")), f"/later/{seen}")[0] == 200
            return len(re.findall("/later/", access.read_text())) >= 2

        _wait_for(both_are_new)
        server.send_signal(signal.SIGTERM)
        assert server.wait(SOON) == 0
        everything = access.read_text() + (tmp_path / "access.log.1").read_text()
        assert [f"/later/{number} " in everything for number in range(1, seen + 1)] == [True] * seen


def _wait_for(condition: Any) -> None:
    """Another process has no event here to wait for."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
