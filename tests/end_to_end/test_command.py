"""The command: ways to call it, where options come from, and what a person reads who gave a wrong one."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from pounce_testing import RawClient
from tests.end_to_end.process import ServerProcess, run_to_end

APPLICATION = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["root_path"].encode() + b" served"})

def make():
    return app

not_callable = 3
"""

BROKEN = {
    "syntax": "def broken(:\n",
    "raising": "raise RuntimeError('as the test wants it')\n",
    "importing": "import a_module_that_is_not_there\n",
    "lifespan": "async def app(scope, receive, send):\n    await receive()\n    raise RuntimeError('no database')\n",
}

GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "application.py").write_text(APPLICATION)
    for name, source in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(source)
    return tmp_path


def body_of(client: RawClient) -> bytes:
    with client:
        client.send(GET)
        return client.read_response().body


@pytest.mark.parametrize(
    "argv",
    [
        [str(Path(sys.executable).with_name("pounce"))],
        [str(Path(sys.executable).with_name("pounce")), "serve"],
        [sys.executable, "-m", "pounce"],
    ],
    ids=["pounce", "pounce-serve", "python-m"],
)
def test_ways_to_call_it(folder: Path, argv: list[str]) -> None:
    with ServerProcess(folder, "application:app", "--port", "0", argv=argv) as server:
        assert body_of(server.connect()) == b" served"


def test_factory_in_another_folder(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    options = ("--factory", "--app-dir", str(folder), "--root-path", "/api", "--port", "0")
    with ServerProcess(elsewhere, "application:make", *options) as server:
        assert body_of(server.connect()) == b"/api served"


def test_options_from_environment_and_file(folder: Path) -> None:
    """A flag goes before the environment, and that before the file."""
    (folder / "pounce.toml").write_text('root_path = "/file"\nport = 1\nserver_header = false\n')
    environ = {"POUNCE_ROOT_PATH": "/environment", "POUNCE_PORT": "2"}
    with ServerProcess(folder, "application:app", "--port", "0", environ=environ) as server, server.connect() as client:
        client.send(GET)
        response = client.read_response()
        assert response.body == b"/environment served"
        assert response.header(b"server") is None


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not passed to processes on Windows")
def test_a_socket_that_is_handed_over(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = ("application:app", "--fd", str(listener.fileno()))
        with ServerProcess(folder, *options, pass_fds=[listener.fileno()]) as server:
            # Before it accepts, the connection waits in the backlog.
            assert body_of(RawClient("127.0.0.1", listener.getsockname()[1])) == b" served"
            assert server.port == listener.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["aplication:app"], 2, ["aplication", "application"]),
        (["application:ap"], 2, ["ap", "app"]),
        (["application:not_callable"], 2, ["not_callable"]),
        (["application"], 2, ["application"]),
        (["application:app", "--port", "99999"], 2, ["port", "99999", "65535"]),
        (["application:app", "--timeout-keep-alive", "soon"], 2, ["timeout-keep-alive", "soon"]),
        (["application:app", "--loop", "lightning"], 2, ["loop", "lightning", "asyncio"]),
        (["application:app", "--no-such-option"], 2, ["--no-such-option"]),
        (["application:app", "--uds", "/nowhere/at/all.sock"], 1, ["/nowhere/at/all.sock"]),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else None,
)
def test_a_mistake_is_one_clear_line(folder: Path, arguments: list[str], code: int, words: list[str]) -> None:
    done = run_to_end(folder, *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert [word for word in words if word not in done.stderr] == []
    assert len(done.stderr.strip().splitlines()) <= 4, done.stderr


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("syntax", ["SyntaxError", "syntax.py"]),
        ("raising", ["Traceback", "as the test wants it"]),
        ("importing", ["a_module_that_is_not_there"]),
        ("lifespan", ["Traceback", "no database"]),
    ],
)
def test_the_application_s_own_mistake_shows_where_it_is(folder: Path, module: str, words: list[str]) -> None:
    done = run_to_end(folder, f"{module}:app", "--port", "0", "--lifespan", "on")
    assert done.returncode == 1, done.stderr
    assert [word for word in words if word not in done.stderr] == []
    assert "Traceback" not in done.stderr.strip().splitlines()[-1]


def test_environment_and_file_mistakes_name_their_place(folder: Path) -> None:
    done = run_to_end(folder, "application:app", environ={"POUNCE_BACKLOG": "many"})
    assert (done.returncode, "POUNCE_BACKLOG" in done.stderr) == (2, True), done.stderr
    (folder / "pounce.toml").write_text("bakclog = 3\n")
    done = run_to_end(folder, "application:app")
    assert done.returncode == 2
    assert [word for word in ("pounce.toml", "bakclog", "backlog") if word not in done.stderr] == []


def test_port_in_use(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_to_end(folder, "application:app", "--port", port)
    assert done.returncode == 1
    assert port in done.stderr
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("kind", "shown"), [("thread", "3 threads"), ("process", "3 processes")])
def test_several_workers_serve(folder: Path, kind: str, shown: str) -> None:
    arguments = ("application:app", "--port", "0", "--workers", "3", "--worker-kind", kind)
    with ServerProcess(folder, *arguments) as server:
        assert body_of(server.connect()) == b" served"
        assert shown in server.log
