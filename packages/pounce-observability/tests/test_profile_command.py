"""``pounce profile``: what it asks the server, what it writes, and what it says when there is no profile."""

from __future__ import annotations

import json
import pathlib
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce_observability.introspection.client import IntrospectionClient
from pounce_observability.profiling import command, other_profilers
from pounce_observability.profiling.command import profile
from pounce_observability.profiling.merged_profile import MergedProfile, ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE = {
    "pid": 7,
    "how": "frames",
    "seconds": 2.0,
    "interval": 0.01,
    "samples": 200,
    "missed": 0,
    "idle": 3,
    "left_out": 0,
    "frames": [["run", "/lib/threading.py", 9], ["handler", "/app/app.py", 5]],
    "stacks": [["pounce-worker-0", [0, 1], 150], ["pounce-worker-0", [0], 50]],
}
MADE = {"pid": 7, "worker_id": None, "generation": None, "value": VALUE, "error": ""}
FIRST = MADE | {"worker_id": 0}
SECOND = MADE | {"worker_id": 1, "pid": 8, "value": VALUE | {"missed": 2, "left_out": 1}}
ENDED = {"pid": 9, "worker_id": 2, "generation": 0, "value": None, "error": "it has ended"}


class Server:
    """Answers once."""

    def __init__(self, status: int = 200, answer: Any = None, error: OSError | None = None) -> None:
        self.status = status
        self.body = json.dumps(answer if answer is not None else {"processes": [MADE]}).encode()
        self.error = error
        self.targets: list[str] = []
        self.connected: list[str | None] = []

    def connect(self, target: str | None) -> Server:
        self.connected.append(target)
        return self

    def request(self, method: str, target: str, timeout: float = 10.0) -> tuple[int, bytes]:
        assert method == "POST"
        assert timeout > 2
        self.targets.append(target)
        if self.error is not None:
            raise self.error
        return self.status, self.body


def run(server: Server, output: pathlib.Path, **options: Any) -> list[str]:
    """What the user is told."""
    told: list[str] = []
    profile(output=str(output), seconds=2.0, echo=told.append, connect=server.connect, **options)
    return told


def is_speedscope(text: str) -> bool:
    return bool(json.loads(text)["profiles"][0]["weights"] == [1.5, 0.5])


@pytest.mark.parametrize(
    ("ending", "right"),
    [
        (".json", is_speedscope),
        (".speedscope.json", is_speedscope),
        (".svg", lambda text: text.startswith("<svg ")),
        (".html", lambda text: text.startswith("<!doctype html>")),
        (".folded", lambda text: "pounce-worker-0;run (lib/threading.py:9);handler (app/app.py:5) 150\n" in text),
        (".txt", lambda text: text.count("\n") == 2),
        (".SVG", lambda text: text.startswith("<svg ")),
    ],
)
def test_the_ending_of_the_file_says_what_it_is(
    tmp_path: pathlib.Path, ending: str, right: Callable[[str], bool]
) -> None:
    output = tmp_path / f"out{ending}"
    told = run(Server(), output)
    assert right(output.read_text("utf-8"))
    assert told[-1].startswith(f"Wrote 200 samples, 2 different stacks, to {output}")


def test_asks_for_what_was_wished(tmp_path: pathlib.Path) -> None:
    server = Server()
    run(server, tmp_path / "a.svg", interval=0.02, idle=True, socket="/run/x.sock")
    run(server, tmp_path / "a.svg", address="127.0.0.1:9700")
    run(server, tmp_path / "a.svg")
    assert server.targets[0] == "/_pounce/profile?seconds=2&interval=0.02&idle=1"
    assert server.connected == ["unix:/run/x.sock", "127.0.0.1:9700", None]


def test_several_processes_are_roots_beside_each_other_and_what_is_missing_is_told(tmp_path: pathlib.Path) -> None:
    output = tmp_path / "a.folded"
    told = run(Server(answer={"processes": [FIRST, SECOND, ENDED]}), output)
    roots = {line.split(";")[0] for line in output.read_text("utf-8").splitlines()}
    assert roots == {"worker 0 (pid 7)", "worker 1 (pid 8)"}
    assert [line for line in told if line.startswith("Note")] == [
        "Note: worker 1 (pid 8): 2 samples failed",
        "Note: worker 1 (pid 8): 1 stacks were left out, being too many different ones",
        "Note: worker 2 (pid 9) did not answer: it has ended",
    ]


@pytest.mark.parametrize(("interval", "coarse"), [(0.001, True), (0.004, True), (0.006, False), (0.01, False)])
def test_a_profile_that_is_coarser_than_was_wished_says_so(
    tmp_path: pathlib.Path, interval: float, coarse: bool
) -> None:
    told = run(Server(), tmp_path / "a.svg", interval=interval)
    wished = f"Note: there was a sample every 10 ms, not every {interval * 1000:g} ms as asked for"
    assert any(line.startswith(wished) for line in told) == coarse


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (Server(409, {"processes": [MADE | {"value": {"error": "another profile is being made"}}]}), "another profile"),
        (Server(400, {"error": "seconds must be between 0 and 60"}), "refused with 400: seconds must be"),
        (Server(404, "nothing"), "refused with 404"),
        (Server(error=ConnectionRefusedError("nobody listens")), "could not be asked: nobody listens"),
        (Server(error=OSError(111, "unix:/x: refused")), "could not be asked: unix:/x: refused"),
        (Server(answer={"processes": []}), "no process of the server has answered"),
        (Server(answer={"processes": [MADE | {"value": VALUE | {"stacks": []}}]}), "no thread did anything"),
    ],
)
def test_without_a_profile_it_says_why_and_writes_nothing(tmp_path: pathlib.Path, server: Server, says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        run(server, tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


def test_a_kind_of_file_that_is_not_known_is_refused_before_anything_is_asked(tmp_path: pathlib.Path) -> None:
    server = Server()
    with pytest.raises(ProfileError, match=r"must end in one of \.json, \.svg, \.html, \.folded, \.txt"):
        run(server, tmp_path / "out.png")
    assert not server.connected


@pytest.mark.parametrize("options", [{"interval": 0.0}, {"interval": -1.0}, {"seconds": 61.0}, {"seconds": 0.0}])
def test_what_is_out_of_range_is_refused_before_anything_is_asked(
    tmp_path: pathlib.Path, options: dict[str, float]
) -> None:
    server = Server()
    with pytest.raises(ProfileError, match=f"--{next(iter(options))} must be a number of seconds from "):
        profile(output=str(tmp_path / "a.svg"), connect=server.connect, pid=42, **options)  # type: ignore[arg-type]
    assert not server.connected


def test_a_file_that_cannot_be_written_is_named_before_anything_is_asked(tmp_path: pathlib.Path) -> None:
    server = Server()
    with pytest.raises(ProfileError, match=r"missing/a\.svg cannot be written: No such file or directory"):
        run(server, tmp_path / "missing" / "a.svg")
    assert not server.connected


def test_a_file_that_is_there_is_kept_until_there_is_a_profile(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.svg").write_text("before")
    with pytest.raises(ProfileError, match="no process"):
        run(Server(answer={"processes": []}), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text() == "before"


def test_servers_that_are_not_found_are_told_without_numbers_of_errors(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(ProfileError, match=r"^no server of yours tells of itself in "):
        profile(output=str(tmp_path / "a.svg"))


@pytest.mark.parametrize("where", [{"address": "999999"}, {"socket": "nobody.sock"}, {"address": "127.0.0.1:1"}])
def test_nothing_is_said_to_be_done_where_nobody_answers(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, where: dict[str, str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    with pytest.raises(ProfileError, match=r"^the server could not be asked: .*(No such file|refused)"):
        profile(output="a.svg", echo=told.append, **where)  # type: ignore[arg-type]
    assert told == []


def test_a_server_that_is_there_is_reached_before_it_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = command._connected(f"127.0.0.1:{listener.getsockname()[1]}")
        with listener.accept()[0] as reached:
            assert reached.recv(1) == b""
    assert isinstance(client, IntrospectionClient)


# -- other profilers -------------------------------------------------------------------------------------------------


class PySpy:
    """Stands for a run of py-spy."""

    def __init__(self, text: str = "", stderr: str = "", code: int = 0) -> None:
        self.text = text
        self.stderr = stderr
        self.code = code
        self.command: list[str] = []

    def __call__(self, command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        self.command = command
        if not self.code:
            pathlib.Path(command[command.index("--output") + 1]).write_text(self.text, "utf-8")
        return subprocess.CompletedProcess(command, self.code, "", self.stderr)


@pytest.fixture
def with_py_spy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/py-spy")


@pytest.mark.usefixtures("with_py_spy")
def test_of_a_process_py_spy_makes_the_profile() -> None:
    py_spy = PySpy('thread (0x7F): "w";run (/lib/threading.py:9);handler (/app/app.py:5) 12\nnonsense\n')
    found = other_profilers.profile_of_process(42, seconds=2.2, interval=0.02, idle=True, run=py_spy)
    assert isinstance(found, MergedProfile)
    (((_, run, handler), count),) = found.stacks
    assert (run.function, handler.file, handler.line, count) == ("run", "/app/app.py", 5, 12)
    command = " ".join(py_spy.command)
    assert command.startswith("/bin/py-spy record --pid 42 --duration 2 --rate 50 ")
    assert "--idle" in command


@pytest.mark.usefixtures("with_py_spy")
@pytest.mark.parametrize(
    ("stderr", "says"),
    [
        ("Error: Failed to find python version from target process", "may not know this Python"),
        ("Permission Denied: Try running again with elevated permissions", "run it as root"),
        ("", "no reason given"),
    ],
)
def test_py_spy_that_fails_is_translated(stderr: str, says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        other_profilers.profile_of_process(42, seconds=1, interval=0.01, idle=False, run=PySpy(stderr=stderr, code=1))


@pytest.mark.usefixtures("with_py_spy")
def test_nothing_seen_is_said() -> None:
    with pytest.raises(ProfileError, match="no thread did anything"):
        other_profilers.profile_of_process(42, seconds=1, interval=0.01, idle=False, run=PySpy(""))


def test_without_any_profiler_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(other_profilers, "_has_own_profiler", lambda: False)
    with pytest.raises(ProfileError, match=r"pip install py-spy.*--introspection"):
        profile(pid=42, output="a.svg")
    with pytest.raises(ProfileError, match="leave --socket and --address out"):
        profile(pid=42, socket="/x", output="a.svg")


def test_the_client_is_that_of_introspection(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(ProfileError):
        command.profile(socket=str(tmp_path / "nobody.sock"), output="a.svg", echo=lambda _line: None)
