"""The benchmark of more workers: its table, its bars, and that every fleet is started as it says."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import hot_path, scale_apps
from benchmarks.fleets import FLEETS
from benchmarks.process_tree import members
from benchmarks.scale import COMPUTE, SCALED, Figure, Key, parse, table, verdicts, wait_until_quiet
from benchmarks.servers import Launch, Mode
from benchmarks.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

linux = pytest.mark.skipif(sys.platform != "linux", reason="benchmarks measure by means of /proc")


def figure(rate: float = 100, mebibytes: float = 10, failures: int = 0) -> Figure:
    return Figure(rate=rate, memory=mebibytes * 2**20, failures=failures)


def test_the_table() -> None:
    figures = {
        Key("hello", "pounce threads", 1): figure(12345, 30),
        Key("hello", "uvicorn", 1): figure(1000, 40, failures=3),
        Key("hello", "uvicorn", 8): figure(2000, 320),
        Key("compute", "uvicorn", 2): figure(),
    }
    assert table("hello", figures).splitlines() == [
        "| requests/s, MiB | 1 worker | 8 workers |",
        "|---|---|---|",
        "| pounce threads | 12,345, 30 | failed |",
        "| uvicorn | 1,000, 40 (3 failures) | 2,000, 320 |",
    ]


@pytest.mark.parametrize(
    ("two", "memory", "words"),
    [(180, 33, ["pass (1.80)", "pass (0.33)"]), (179, 34, ["MISS (1.79)", "MISS (0.34)"])],
)
def test_the_bars(two: float, memory: float, words: list[str]) -> None:
    figures = {
        Key("compute", "pounce threads", 1): figure(100),
        Key("compute", "pounce threads", 2): figure(two),
        Key("fastapi", "pounce threads", 8): figure(mebibytes=memory),
        Key("fastapi", "uvicorn", 8): figure(mebibytes=100),
    }
    said = verdicts(figures, free_threaded=True, cores=2)
    assert [line.rpartition(": ")[2] for line in said] == words
    on_one_core = verdicts(figures, free_threaded=True, cores=1)
    assert "no bar on this Python and machine" in on_one_core[0]
    assert all("no bar" in line for line in verdicts(figures, free_threaded=False, cores=2))
    assert all(line.endswith("not measured") for line in verdicts({}, free_threaded=True, cores=2))


@pytest.mark.parametrize("name", FLEETS)
def test_every_fleet_is_told_how_many_it_is(name: str, tmp_path: Path) -> None:
    server = FLEETS[name].of(4)
    command = server.command(Launch(python="python", app="a:b", port=1, mode=Mode.QUIET, folder=tmp_path))
    assert command[command.index("--workers") + 1] == "4"
    assert server.name == f"{name} x 4"
    assert server.ours is name.startswith("pounce")


def test_a_millisecond_is_found_out() -> None:
    steps = scale_apps.calibrate()
    assert 1000 < steps < 10_000_000
    assert scale_apps.steps_of(16) == 56


def test_the_handler_answers() -> None:
    request = hot_path.CASES["hello"][1]
    assert asyncio.run(hot_path.answer(scale_apps.compute, request[:1])) > 100
    assert COMPUTE in SCALED.values()


def test_what_cannot_be_measured_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--rounds", "0"])
    assert "at least 1" in capsys.readouterr().err


@linux
@pytest.mark.parametrize(("name", "processes"), [("pounce threads", 1), ("pounce processes", 3)])
def test_our_fleets_serve(name: str, processes: int) -> None:
    with serving(FLEETS[name].of(2), COMPUTE, Mode.QUIET, python=sys.executable, core=None) as (process, _):
        wait_until_quiet(process.pid)
        assert len(members(process.pid)) == processes
