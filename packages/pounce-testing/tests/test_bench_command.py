"""From options to a result: with this server alone, which is always here."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from pounce import ServerConfig
from pounce.addresses import places
from pounce_testing.bench import comparison as comparing
from pounce_testing.bench.command import bench
from pounce_testing.bench.comparison import Plan, compare
from pounce_testing.bench.contestants import CONTESTANTS, Contestant, Launch, chosen
from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.load_report import LoadReport
from pounce_testing.bench.request import LoadRequest

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 404 if scope["path"] == "/wrong" else 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "application_to_compare.py").write_text(APPLICATION)
    return tmp_path


def run(folder: Path, app: str = "application_to_compare:app", **options: object) -> tuple[int, str, list[str]]:
    """Exit code, result, what went on."""
    printed: list[str] = []
    said: list[str] = []
    code = bench(
        app,
        app_dir=str(folder),
        servers=("pounce",),
        rounds=1,
        seconds=0.2,
        connections=2,
        generator="asyncio",
        echo=printed.append,
        say=said.append,
        **options,  # type: ignore[arg-type]
    )
    return code, "\n".join(printed), said


def test_a_result(folder: Path) -> None:
    code, printed, said = run(folder, as_json_text=True, output=str(folder / "result.svg"))
    assert code == 0
    figures = json.loads(printed)
    (pounce,) = figures["servers"]
    assert pounce["name"] == "pounce"
    assert pounce["rounds"][0]["requests"] > 2
    assert 0 <= pounce["cpu_per_request"]["median"] < 0.1  # the system counts it in hundredths of a second
    assert pounce["memory"]["median"] > 1_000_000
    assert pounce["failed_requests"] == 0
    assert figures["machine"]["processors"] >= 1
    assert said[0].startswith("round 1/1  pounce: ")
    assert (folder / "result.svg").exists()


def stands_in(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Something smaller than a server is started in place of this one; it is told nothing but a port."""

    def command(self: Contestant, launch: Launch) -> list[str]:
        return [launch.python, *(one.format(port=launch.port) for one in arguments)]

    monkeypatch.setattr(Contestant, "command", command)


def test_a_server_that_cannot_serve_is_left_out_and_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stands_in(monkeypatch, "-c", "import sys; print('application_to_compare has no attribute missing'); sys.exit(2)")
    code, printed, said = run(folder)
    assert code == 1
    assert "pounce was left out: ended with exit code 2 at its start" in printed
    assert "has no attribute missing" in said[0]


def test_an_answer_that_is_an_error_is_not_compared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stands_in(monkeypatch, "-m", "http.server", "--bind", "127.0.0.1", "{port}")
    code, printed, _ = run(folder, path="/wrong")
    assert code == 1
    assert "answers GET /wrong with 404: choose another path with --path" in printed


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"headers": ("nocolon",)}, "'nocolon' is no header: write NAME:VALUE"),
        ({"servers": ("nginx",)}, "there is no server 'nginx'"),
        ({"app": "main"}, "'main' does not name an application: write module:attribute"),
        ({"app": ":app"}, "does not name an application"),
        ({"body": "@/nowhere/at-all"}, "the body cannot be read from /nowhere/at-all: No such file"),
        ({"output": "/nowhere/result.svg"}, "no such folder"),
        ({"app": "--host:x"}, "does not name an application"),
        ({"app_dir": "/nowhere"}, "/nowhere: there is no such folder"),
        ({"seconds": math.inf}, "--seconds inf cannot be measured"),
        ({"seconds": math.nan}, "--seconds nan cannot be measured"),
        ({"path": "items"}, "'items' is no path: it begins with /"),
        ({"path": "/caf\u00e9"}, "is no path"),
        ({"path": "/ HTTP/1.1"}, "is no path"),
        ({"method": "GET /"}, "'GET /' is no method"),
        ({"headers": ("x: a\r\ny: b",)}, "is no header: a name is a word, a value one line of Latin-1"),
        ({"headers": ("x: \u2603",)}, "is no header: a name is a word"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_was_asked_for_wrongly(options: dict[str, object], expected: str) -> None:
    with pytest.raises(BenchError, match=expected):
        bench(**{"app": "main:app", **options})  # type: ignore[arg-type]


@pytest.mark.skipif(os.name != "posix", reason="Windows ends a process without asking it")
def test_sigterm_unwinds_so_that_servers_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def compare_until_told(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            ended.append("the servers")

    monkeypatch.setattr("pounce_testing.bench.command.compare", compare_until_told)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="143"):
        bench("main:app")
    assert ended == ["the servers"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_one_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pounce_testing.bench.contestants.installed", list)
    with pytest.raises(ValueError, match="granian is not installed: pip install granian"):
        chosen(("granian",))


def test_a_server_is_told_application_port_and_workers() -> None:
    launch = Launch(app="main:app", port=1234, workers=3)
    for contestant in CONTESTANTS:
        command = " ".join(contestant.command(launch))
        for part in (f"-m {contestant.module} ", "main:app", "1234", "--workers 3"):
            assert part in command, contestant.name


@pytest.mark.parametrize("elsewhere", [{"bind": ("127.0.0.1:1",)}, {"port": 1}], ids=str)
def test_this_server_is_asked_where_it_was_told_to_be(elsewhere: dict[str, object]) -> None:
    """Whatever a file of settings beside the application says; of ``uds`` and ``fd`` the server says that it cannot."""
    launch = Launch(app="main:app", port=1234)
    command = next(one for one in CONTESTANTS if one.name == "pounce").command(launch)
    given = {"bind": (command[command.index("--bind") + 1],)}
    assert list(map(str, places(ServerConfig.of({"app": launch.app, **elsewhere, **given})))) == ["127.0.0.1:1234"]


def test_the_order_turns_from_round_to_round(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    load = LoadReport(requests=10, seconds=1, failures=0, latencies={}, generator_cpu=0)

    def measure(contestant: Contestant, plan: Plan) -> comparing.Round:
        order.append(contestant.name)
        if contestant.name == "uvicorn" and len(order) > 4:
            raise BenchError("it has had enough")
        return comparing.Round(load=load, cpu=1.0, memory=1)

    monkeypatch.setattr(comparing, "_measure", measure)
    monkeypatch.setattr(Contestant, "version", "1")
    plan = Plan(app="a:b", app_dir=".", contestants=CONTESTANTS, request=LoadRequest(), generator="wrk", rounds=3)
    done = compare(plan, lambda line: None)
    first, second, third = order[:4], order[4:8], order[8:]
    assert first == ["pounce", "uvicorn", "granian", "hypercorn"]
    assert second == ["uvicorn", "granian", "hypercorn", "pounce"]
    assert third == ["granian", "hypercorn", "pounce"], "who failed once is not asked again"
    assert [one.failure for one in done.results] == [None, "it has had enough", None, None]
    assert "uvicorn" not in [one.name for one in done.measured]
