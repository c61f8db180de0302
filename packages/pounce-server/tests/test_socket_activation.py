"""What systemd hands over: taken once, by the process that it is for, and by nothing that it starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from pounce.socket_activation import Activation


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "7"},
        {"LISTEN_FDS": "0", "LISTEN_PID": "7"},
        {"LISTEN_FDS": "", "LISTEN_PID": "7"},
        {"LISTEN_FDS": "-1", "LISTEN_PID": "7"},
        {"LISTEN_FDS": "x", "LISTEN_PID": "7"},
        {"LISTEN_FDS": "\u0663", "LISTEN_PID": "7"},
    ],
)
def test_nothing_is_handed_over(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    assert Activation.take(environ | {"OTHER": "x"}, pid=7) == Activation()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"LISTEN_FDNAMES": "web:admin"}, ("web", "admin")),
        ({"LISTEN_FDNAMES": "web:web"}, ("web", "web")),
        ({}, ("unknown", "unknown")),
        ({"LISTEN_FDNAMES": "web"}, ("unknown", "unknown")),
    ],
)
def test_names(monkeypatch: pytest.MonkeyPatch, names: dict[str, str], expected: tuple[str, str]) -> None:
    closed_to_children: list[int] = []
    monkeypatch.setattr(os, "set_inheritable", lambda fd, inheritable: closed_to_children.append(fd))
    environ = {"LISTEN_FDS": "2", "LISTEN_PID": "7", "LISTEN_PIDFDID": "1", "OTHER": "x"} | names
    activation = Activation.take(environ, pid=7)
    assert activation.descriptors == tuple(zip((3, 4), expected, strict=True))
    assert environ == {"OTHER": "x"}
    assert closed_to_children == [3, 4]


def test_by_name() -> None:
    activation = Activation(((3, "web"), (4, "admin"), (5, "web")))
    assert activation.named("web") == (3, 5)
    assert activation.named("") == (3, 4, 5)
    assert activation.named("nothing") == ()


def test_those_of_another_process_are_left_alone_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    environ = {"LISTEN_FDS": "1", "LISTEN_PID": "8"}
    assert Activation.take(environ, pid=7) == Activation()
    assert environ == {}
    assert "for process 8, which this is not" in caplog.text


CHILD = """
import os, subprocess, sys
os.dup2(int(sys.argv[1]), 3)  # which may be inherited
os.environ["LISTEN_PID"] = str(os.getpid())
from pounce.socket_activation import Activation
print(Activation.take().descriptors, [name for name in os.environ if name.startswith("LISTEN")], flush=True)
code = "import os; os.fstat(3)"
subprocess.run([sys.executable, "-c", code], close_fds=False, stderr=subprocess.DEVNULL).check_returncode()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not inherited there")
def test_in_a_process_of_its_own() -> None:
    """What it starts has neither the variables nor the descriptor."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        fd = sock.fileno()
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(fd)],
            pass_fds=[fd],
            env=os.environ | {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert child.stdout == "((3, 'web'),) []\n"
    assert "CalledProcessError" in child.stderr
