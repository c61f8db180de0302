"""The benchmarks tell the truth: their tables fit together, their arithmetic holds, and the applications answer."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import apps, hot_path, instructions
from benchmarks.answers import check_answer
from benchmarks.bars import BARS, ELSEWHERE, HTTP3, Bar, Figure, Subject, Verdict, judge
from benchmarks.generator import LoadError, LoadReport
from benchmarks.ground import Ground
from benchmarks.machine import Interpreter
from benchmarks.measurement import Summary, Turn, summarise
from benchmarks.process_tree import cpu_seconds, members, pss_bytes
from benchmarks.report import START, case_table, rewrite
from benchmarks.servers import SERVERS, Launch, Mode, ServerError
from benchmarks.serving import serving
from benchmarks.wires import Wire
from benchmarks.workloads import PAUSES, WORKLOADS, Workload
from benchmarks.wrk_load import parse_report, script_for

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_testing.fixtures import Serve

linux = pytest.mark.skipif(sys.platform != "linux", reason="benchmarks measure by means of /proc")


def interpreter(*, version: str = "3.14.2", free_threaded: bool = True, optimised: bool = True) -> Interpreter:
    return Interpreter(
        path="python",
        base="python",
        version=version,
        compiler="GCC",
        free_threaded=free_threaded,
        optimised=optimised,
        lto=True,
        versions={},
        holds_gil=[],
    )


def summary(cpu: float, problem: str = "", failures: int = 0) -> Summary:
    return Summary(
        requests_per_second=1 / cpu, p99=0.001, cpu_per_request=cpu, memory=2**20, failures=failures, problem=problem
    )


def turn(requests: int, cpu: float, failures: int = 0) -> Turn:
    return Turn(requests=requests, seconds=2, p99=0.001, cpu=cpu, memory=1, failures=failures)


# -- the applications ------------------------------------------------------------------------------------------------


OVER_HTTP = [workload for workload in (*WORKLOADS.values(), *PAUSES) if workload.wire is Wire.HTTP]


@pytest.mark.parametrize("workload", OVER_HTTP, ids=lambda workload: workload.name)
def test_every_workload_is_answered_as_its_table_says(serve: Serve, workload: Workload) -> None:
    if workload.needs:
        pytest.importorskip(workload.needs, reason=f"{workload.needs.upper()} IS NOT INSTALLED: it has not run")
    module, _, attribute = workload.app.partition(":")
    check_answer(serve(getattr(importlib.import_module(module), attribute)).port, workload)


def test_another_answer_is_noticed(serve: Serve) -> None:
    with pytest.raises(ServerError, match="answered 200 with b'Hello, world!', not 200 with b'x"):
        check_answer(serve(apps.hello).port, WORKLOADS["large"])


@pytest.mark.parametrize("case", instructions.CASES)
def test_the_hot_path_answers(case: str) -> None:
    app, requests = hot_path.CASES[case]
    one, three = (asyncio.run(hot_path.answer(app, requests[:count])) for count in (1, 3))
    assert three == 3 * one > 100


def test_the_hot_path_has_the_cases_that_are_counted() -> None:
    assert tuple(hot_path.CASES) == instructions.CASES
    assert instructions.SHORT < instructions.LONG == hot_path.MOST


# -- bars and medians ------------------------------------------------------------------------------------------------


def test_every_bar_is_about_what_is_measured() -> None:
    names = {Figure.CPU: WORKLOADS, Figure.PAUSE: {workload.name for workload in PAUSES}}
    for bar in BARS:
        assert bar.workload in names.get(bar.figure, {"latency"})
        assert bar.rival in SERVERS or (bar.figure is Figure.PAUSE and not bar.rival)
        assert bar.rival != "nginx" or WORKLOADS[bar.workload].static
        if bar.figure is Figure.CPU:
            assert WORKLOADS[bar.workload].wire in SERVERS[bar.rival].wires & SERVERS["pounce"].wires
    assert len({(bar.subject, bar.rival) for bar in BARS}) == len(BARS)


HELLO = Subject("hello", Mode.QUIET)


@pytest.mark.parametrize(
    ("figures", "word"),
    [
        ({"pounce": 4.9, "uvicorn": 10}, "pass"),
        ({"pounce": 5.0, "uvicorn": 10}, "pass"),
        ({"pounce": 5.1, "uvicorn": 10}, "MISS"),
        ({"pounce": 5.0}, "not measured"),
        ({"uvicorn": 10}, "not measured"),
    ],
)
def test_verdicts(figures: dict[str, float], word: str) -> None:
    against_uvicorn, against_nginx = judge(interpreter(), {HELLO: figures})
    assert against_uvicorn.word == word
    assert against_nginx.bar.rival == "nginx"
    assert against_nginx.word == "not measured"


@pytest.mark.parametrize(
    ("figure", "seconds", "word"),
    [(Figure.P99_OWN, 0.002, "pass"), (Figure.P99_SAME, 0.0021, "MISS"), (Figure.PAUSE, 0.0051, "MISS")],
)
def test_latency_is_held_against_uvicorn_and_pauses_against_the_clock(
    figure: Figure, seconds: float, word: str
) -> None:
    subject = Subject("pauses" if figure is Figure.PAUSE else "latency", Mode.QUIET, figure)
    (verdict,) = judge(interpreter(), {subject: {"pounce": seconds, "uvicorn": 0.002}})
    assert verdict.word == word
    assert judge(interpreter(), {subject: {"pounce": 0.0, "uvicorn": 0.002}})[0].measured == 0


@pytest.mark.parametrize("build", [interpreter(free_threaded=False), interpreter(optimised=False)])
def test_other_builds_have_one_bar_for_everything(build: Interpreter) -> None:
    subjects = [
        Subject("one", Mode.DEFAULTS),
        Subject("h2", Mode.QUIET),
        Subject("latency", Mode.QUIET, Figure.P99_OWN),
        Subject("pauses", Mode.QUIET, Figure.PAUSE),
    ]
    verdicts = judge(build, {subject: {"pounce": 1.1, "uvicorn": 1, "hypercorn": 2.2} for subject in subjects})
    assert verdicts == [
        Verdict(Bar("one", Mode.DEFAULTS, ELSEWHERE), 1.1),
        Verdict(Bar("h2", Mode.QUIET, ELSEWHERE, rival="hypercorn"), 0.5),
        Verdict(Bar("latency", Mode.QUIET, ELSEWHERE, figure=Figure.P99_OWN), 1.1),
    ]


def test_http3_has_its_own_bar_where_both_have_the_same_quic() -> None:
    subject, figures = Subject("h3", Mode.QUIET), {"pounce": 7.1, "hypercorn-h3": 10.0}
    (verdict,) = judge(interpreter(free_threaded=False), {subject: figures})
    assert verdict == Verdict(HTTP3, 0.71)
    assert verdict.word == "MISS"
    assert judge(interpreter(), {subject: figures}) == []
    assert WORKLOADS["h3"].reference == HTTP3.rival


def test_medians() -> None:
    medians = summarise([turn(100, 1.0), turn(200, 1.0, failures=2), turn(50, 1.0), turn(0, 9.0, failures=1)])
    assert medians.requests_per_second == 50
    assert medians.cpu_per_request == 0.01
    assert medians.failures == 3
    assert summarise([turn(0, 1.0)]).problem == "answered nothing"
    assert summarise([turn(100, 1.0)], "it broke").cpu_share_of(medians) is None


# -- wrk -------------------------------------------------------------------------------------------------------------


def test_what_wrk_reports() -> None:
    figures = '"requests": 1000, "duration": 2000000, "p99": 1500'
    errors = '"connect": 1, "read": 2, "write": 3, "timeout": 4, "status": 5'
    report = parse_report(f"Running 2s test\n\nMEASURED {{{figures}, {errors}}}\n")
    assert report == LoadReport(requests=1000, seconds=2.0, p99=0.0015, failures=15)
    with pytest.raises(LoadError, match="reported nothing"):
        parse_report("unable to connect")


def test_the_script_sends_what_the_workload_says() -> None:
    script = script_for(WORKLOADS["post-1k"])
    assert 'wrk.headers["Content-Type"] = "application/octet-stream"' in script
    assert 'wrk.body = "' + "x" * 1024 + '"' in script
    assert "function done(" in script
    assert "function request()" in script_for(WORKLOADS["differing"])


# -- the results -----------------------------------------------------------------------------------------------------


def test_a_failure_is_marked() -> None:
    lines = case_table({"pounce": summary(1, failures=7), "uvicorn": summary(2), "granian": summary(1, "broke\nx")})
    _, _, pounce, uvicorn, granian = lines.splitlines()
    assert "| 0.50 |" in pounce
    assert "7 (!)" in pounce
    assert uvicorn.endswith("| 0 |")
    assert "failed: broke |" in granian


def test_shares_are_of_the_reference_and_who_is_left_out_is_named() -> None:
    summaries = {"pounce": summary(1), "uvicorn": summary(2), "hypercorn": summary(4)}
    head, _, pounce, *_, named = case_table(summaries, reference="hypercorn", left_out=["nginx"]).splitlines()
    assert head.count("of hypercorn") == 2
    assert "| 0.25 |" in pounce
    assert named.endswith(": nginx.")


def test_only_servers_that_can_are_asked() -> None:
    here = interpreter()
    ground = Ground(servers=list(SERVERS.values()), ours=here, peers=None, rounds=1, seconds=1, warm_up=0)
    able = {
        name: {server.name for server in ground.able(WORKLOADS[name])}
        for name in ("hello", "stream", "websocket", "h2c", "h3")
    }
    assert able["hello"] - able["stream"] == {"nginx"}
    assert able["websocket"] == {"pounce", "uvicorn", "uvicorn-ws", "granian", "hypercorn"}
    assert able["h2c"] == {"pounce", "uvicorn-zttp", "granian", "hypercorn", "nginx"}
    assert able["h3"] == {"pounce", "hypercorn-h3"}


def test_rewriting_keeps_what_was_written_by_hand() -> None:
    text = rewrite("", "3.14t", "first") + "Streams were slow.\n"
    text = rewrite(text, "3.11", "other")
    text = rewrite(text, "3.14t", "second")
    assert text.startswith(START.partition("##")[0])
    assert text.endswith("## What was learnt\n\nStreams were slow.\n")
    assert "first" not in text
    assert text.count("<!-- begin 3.14t -->\n\nsecond\n\n<!-- end 3.14t -->") == 1
    assert "other" in text
    with pytest.raises(ValueError, match="without"):
        rewrite("<!-- begin 3.14t -->", "3.14t", "third")


# -- instructions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "output"),
    [("callgrind", "==7== Collected : 12345\n"), ("perf", "\n12345,,instructions:u,200,100.00,,\n")],
)
def test_counts_are_read(tool: str, output: str) -> None:
    assert instructions.parse_count(tool, output) == 12345
    with pytest.raises(instructions.CountError):
        instructions.parse_count(tool, "<not supported>,,instructions:u,0,100.00,,")


@pytest.mark.parametrize(("now", "kept", "slower"), [(103, 100, False), (104, 100, True), (90, 100, False)])
def test_slower(now: int, kept: int, slower: bool) -> None:
    (comparison,) = instructions.compare({"hello": now}, {"hello": kept})
    assert comparison.slower(3.0) is slower
    assert not instructions.compare({"hello": now}, {})[0].slower(3.0)


def test_only_figures_of_the_same_build_and_tool_are_compared() -> None:
    here = interpreter()
    everything = {here.name: {"build": here.build, "tool": "callgrind", "cases": {"hello": 5}}}
    assert instructions.kept_figures(everything, here, "callgrind") == {"hello": 5}
    assert instructions.kept_figures(everything, here, "perf") == {}
    assert instructions.kept_figures(everything, interpreter(optimised=False), "callgrind") == {}
    assert instructions.kept_figures(everything, interpreter(version="3.14.3"), "callgrind") == {}


# -- processes -------------------------------------------------------------------------------------------------------

BUSY_CHILD = """
import subprocess, sys
busy = "import time\\nwhile time.process_time() < 0.2: pass\\nprint(1, flush=True)\\ninput()"
child = subprocess.Popen([sys.executable, "-c", busy])
input()
"""


@linux
def test_the_time_and_memory_of_children_count() -> None:
    command = [sys.executable, "-c", BUSY_CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"1\n"  # the child has used its 0.2 s
        assert members(parent.pid)[0] == parent.pid
        assert len(members(parent.pid)) == 2
        assert cpu_seconds(parent.pid) >= 0.2
        assert pss_bytes(parent.pid) > pss_bytes(members(parent.pid)[1]) > 2**20


@linux
def test_a_server_is_started_and_ended() -> None:
    with serving(SERVERS["pounce"], WORKLOADS["hello"], Mode.QUIET, python=sys.executable, core=None) as (process, _):
        assert process.poll() is None
    assert process.returncode is not None
    assert members(process.pid) == [process.pid]


@linux
def test_a_server_that_ends_at_once_is_no_riddle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POUNCE_LIMIT_REQUEST_LINE", "nonsense")
    with (
        pytest.raises(ServerError, match=r"(?s)at its start.*(?i:limit.request.line)"),
        serving(SERVERS["pounce"], WORKLOADS["hello"], Mode.QUIET, python=sys.executable, core=None),
    ):
        raise AssertionError("it cannot have started")


@pytest.mark.parametrize("name", SERVERS)
def test_commands_name_the_port_and_differ_by_mode(name: str, tmp_path: Path) -> None:
    made = {}
    for mode in Mode:
        launch = Launch(python="bin/python", app="benchmarks.apps:hello", port=8123, mode=mode, folder=tmp_path)
        command = SERVERS[name].command(launch)
        configuration = tmp_path / "nginx.conf"
        made[mode] = " ".join(command) + (configuration.read_text() if name == "nginx" else "")
        assert "8123" in made[mode]
    assert (made[Mode.QUIET] == made[Mode.DEFAULTS]) == ("no access log" in SERVERS[name].note)
