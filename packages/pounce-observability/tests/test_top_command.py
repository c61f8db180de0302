"""`pounce top` as a user runs it: in a terminal, into a file, while its server comes and goes."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from top_doubles import AnsweringServer, answer, process, request, traffic, worker

from pounce_observability.top import top
from pounce_observability.top.figures import figures_of
from pounce_observability.top.poll import Poller, ask_once
from pounce_observability.top.view import frame, print_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANGS_AFTER = 20.0
unix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no UNIX sockets in Python")
pytestmark = unix_only


def busy(at: float, served: int) -> dict[str, Any]:
    requests = [request("/report?\x1b[31m", 12.5), request("/items/7", 0.25, state="running")]
    return answer(
        at,
        process(worker(0, served), worker(1, 2 * served, answers=False, lag=None, beat_age=4.2)),
        requests=requests,
        numbers=traffic(3 * served, served // 10, 1000 * served, [(0.005, 3 * served)]),
    )


# -- one frame -------------------------------------------------------------------------------------------------------


def test_a_frame_fits_into_a_narrow_terminal() -> None:
    out = io.StringIO()
    many = [worker(number, 10) for number in range(40)]
    requests = [request(f"/a/{'long/' * 30}", 90.0 - number) for number in range(50)]
    figures = figures_of(answer(0.0, process(*many), requests=requests))
    from rich.console import Console

    Console(file=out, width=80, height=24).print(frame(figures, "unix:/run/pounce/1.sock", 24))
    lines = out.getvalue().splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "31 more" in out.getvalue() or " more" in out.getvalue()
    assert "SLOWEST REQUEST IN FLIGHT" in out.getvalue()
    assert sum("/a/long/" in line for line in lines) >= 8


def test_nothing_that_a_client_chose_reaches_the_terminal_as_a_command() -> None:
    out = io.StringIO()
    requests = [request("/\x1b[2J[bold]\x07", client="\x1b]0;title\x07")]
    print_frame(figures_of(answer(0.0, process(worker()), requests=requests)), "here", out)
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "[bold]" in out.getvalue()


def test_once_prints_rates_between_two_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with AnsweringServer(tmp_path / "1.sock", busy(1.0, 100), busy(3.0, 300)) as server:
        assert top(f"unix:{server.path}", interval=0.01, once=True) == 0
        assert server.asked == [b"GET /_pounce/top HTTP/1.1"] * 2
    shown = capsys.readouterr().out
    assert "Pounce 1.2.3" in shown
    assert "req/s 310" in shown
    assert "err/s 10" in shown
    assert "p99 5.0ms" in shown
    assert "held 4.2s" in shown
    assert "12.5s" in shown
    assert "/items/7" in shown


def test_json_is_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with AnsweringServer(tmp_path / "1.sock", busy(1.0, 100), busy(3.0, 300)) as server:
        assert top(str(server.path), interval=0.01, as_json=True) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["requests_per_second"] == 310.0
    assert figures["workers"][1]["requests_per_second"] == 200.0
    assert figures["slowest"][0]["path"] == "/report?\x1b[31m"


def test_without_a_server_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert top(once=True) == 1
    assert "--introspection" in capsys.readouterr().err
    assert top(str(tmp_path / "nobody.sock"), once=True) == 1
    assert capsys.readouterr().err == f"pounce top: unix:{tmp_path}/nobody.sock: No such file or directory\n"
    assert top("999999999", once=True) == 1
    assert capsys.readouterr().err == f"pounce top: unix:{tmp_path}/pounce/999999999.sock: No such file or directory\n"


@pytest.mark.parametrize(("content", "status"), [({}, "200 OK"), ({"error": "no"}, "403 Forbidden")])
def test_who_answers_otherwise_is_no_server(tmp_path: Path, content: Any, status: str) -> None:
    with (
        AnsweringServer(tmp_path / "1.sock", content, status=status) as server,
        pytest.raises(ConnectionError, match=r"answers (with something else|403)"),
    ):
        ask_once(str(server.path))


def test_without_rich_json_goes_on(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['rich'] = sys.modules['rich.console'] = None;"
        "from pounce_observability.top import top;"
        f"sys.exit(10 * top({str(tmp_path / '1.sock')!r}, interval=0.01, as_json=True) + top("
        f"{str(tmp_path / '1.sock')!r}, interval=0.01, once=True))"
    )
    with AnsweringServer(tmp_path / "1.sock", busy(1.0, 1)):
        found = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert found.returncode == 1, found.stderr
    assert json.loads(found.stdout)["version"] == "1.2.3"
    assert "pounce-observability[rich]" in found.stderr


# -- while the server comes and goes ---------------------------------------------------------------------------------


def test_a_restart_is_waited_for() -> None:
    found: list[Any] = [(busy(1.0, 100), "here"), (busy(2.0, 110), "here"), OSError(111, "Connection refused")]
    found += [(busy(9.0, 5), "there"), (busy(10.0, 6), "there")]

    def ask(_: str | None) -> tuple[dict[str, Any], str]:
        one = found.pop(0)
        if isinstance(one, OSError):
            raise one
        return one  # type: ignore[no-any-return]

    poller = Poller("unix:/x", 1.0, ask)
    seen = []
    for _ in range(5):
        poller.turn()
        seen.append(poller.sight)
    assert [one.status for one in seen] == [
        *["q quits  here"] * 2,
        "waiting for unix:/x: Connection refused",
        *["q quits  there"] * 2,
    ]
    assert [one.figures.requests_per_second if one.figures else None for one in seen] == [None, 31.0, 31.0, None, 3.0]
    assert len({one.number for one in seen}) == 5


# -- in a terminal ---------------------------------------------------------------------------------------------------


class Terminal:
    """A terminal of its own, in tmux, with a server of tmux's of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")

    def run(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments]
        # As a shell exports them that was started in another window.
        environment = os.environ | {"COLUMNS": "80", "LINES": "24"}
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=HANGS_AFTER, env=environment
        ).stdout

    def start(self, program: str, columns: int, lines: int) -> None:
        self.run("new-session", "-d", "-s", "top", "-x", str(columns), "-y", str(lines), program)

    @property
    def shown(self) -> str:
        return self.run("capture-pane", "-p", "-t", "top")

    def shows(self, *texts: str) -> str:
        end = time.monotonic() + HANGS_AFTER
        while not all(text in (shown := self.shown) for text in texts):
            assert time.monotonic() < end, shown
            time.sleep(0.05)
        return shown


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("NO TMUX: pounce top is not looked at in a terminal")
    terminal = Terminal(tmp_path)
    yield terminal
    subprocess.run(
        ["tmux", "-S", str(tmp_path / "tmux"), "kill-server"], check=False, capture_output=True, timeout=HANGS_AFTER
    )


def test_it_lives_in_a_terminal(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    code = f"from pounce_observability.top import top; raise SystemExit(top({f'unix:{path}'!r}, interval=0.2))"
    answers = [busy(1.0 + step, 100 * step) for step in range(200)]
    shell = f'{sys.executable} -c "{code}"; echo "ended with $?"; exec sleep {HANGS_AFTER:.0f}'
    with AnsweringServer(path, *answers):
        terminal.start(shell, 80, 24)
        shown = terminal.shows("Pounce 1.2.3", "req/s 310", "held 4.2s", "/items/7", "q quits")
        lines = shown.rstrip("\n").splitlines()
        assert lines[0].startswith("Pounce 1.2.3  up 1h02m  workers 2")
        assert max(map(len, lines)) <= 80
        assert "GIL off" in shown

        terminal.run("resize-window", "-t", "top", "-x", "60", "-y", "12")
        narrow = terminal.shows("SLOWEST REQUEST IN FL…", "q quits")
        assert len(narrow.rstrip("\n").splitlines()) <= 12
    terminal.shows("waiting for unix:")
    with AnsweringServer(path, *answers):
        terminal.run("resize-window", "-t", "top", "-x", "80", "-y", "24")
        terminal.shows("q quits", "req/s 310")
        terminal.run("send-keys", "-t", "top", "q")
        terminal.shows("ended with 0")


def test_ctrl_c_ends_it_in_order(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    code = f"from pounce_observability.top import top; raise SystemExit(top({f'unix:{path}'!r}))"
    terminal.start(
        f'{sys.executable} -c "{code}"; echo "ended with $?"; stty -a | grep -o " icanon"; exec sleep 20', 80, 24
    )
    terminal.shows("waiting for unix:")
    terminal.run("send-keys", "-t", "top", "C-c")
    terminal.shows("ended with 0", "icanon")
