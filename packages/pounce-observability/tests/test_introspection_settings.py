"""Where introspection may answer, and where its socket is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce_observability.introspection import (
    IntrospectionSettings,
    ServerAddress,
    default_address,
    default_socket_path,
    prepare_run_directory,
    run_directory,
)
from pounce_observability.introspection.client import NoServer, find_server

if TYPE_CHECKING:
    from pathlib import Path

unix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no UNIX sockets in Python")


@pytest.mark.parametrize(
    "bind",
    [None, "unix:/run/x.sock", "127.0.0.1:9700", "127.9.9.9:1", "[::1]:9700", "localhost:0", "[::ffff:127.0.0.1]:1"],
)
def test_it_answers_on_this_machine(bind: str | None) -> None:
    assert IntrospectionSettings(introspection_bind=bind).introspection_bind == bind


@pytest.mark.parametrize("bind", ["0.0.0.0:9700", ":9700", "[::]:9700", "192.0.2.7:80", "example.com:80"])
def test_other_machines_reach_it_only_when_that_is_asked_for(bind: str) -> None:
    with pytest.raises(ValueError, match=r"introspection_bind: .* introspection_public"):
        IntrospectionSettings(introspection_bind=bind)
    assert IntrospectionSettings(introspection_bind=bind, introspection_public=True).introspection_bind == bind


@pytest.mark.parametrize("bind", ["", "9700", "unix:", "127.0.0.1:99999", "127.0.0.1", "a b:1"])
def test_what_is_no_address_is_refused(bind: str) -> None:
    with pytest.raises(ValueError, match="introspection_bind"):
        IntrospectionSettings(introspection_bind=bind)


def test_it_is_off_by_default() -> None:
    settings = IntrospectionSettings()
    assert (settings.introspection, settings.introspection_public, settings.introspection_host) == (False, False, ())


def test_settings_import_nothing_heavy() -> None:
    program = (
        "import sys; from pounce_observability.introspection import IntrospectionSettings;"
        "print([name for name in sys.modules if name.split('.')[0] in ('rich', 'http', 'asyncio', 'json')])"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"


# -- the folder ------------------------------------------------------------------------------------------------------


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@unix_only
def test_the_socket_is_in_a_folder_of_its_users_own(runtime: Path) -> None:
    assert run_directory() == runtime / "pounce"
    assert default_socket_path(7) == runtime / "pounce" / "7.sock"
    assert default_socket_path().name == f"{os.getpid()}.sock"
    assert default_address(7) == ServerAddress(path=str(default_socket_path(7)))
    assert prepare_run_directory() == run_directory()
    assert prepare_run_directory().stat().st_mode & 0o777 == 0o700


@unix_only
def test_without_a_runtime_folder_it_is_among_temporary_files(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(runtime))
    assert run_directory() == runtime / f"pounce-{os.geteuid()}"


def _open_to_others(folder: Path) -> None:
    folder.mkdir(mode=0o755)


def _a_link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def _a_file(folder: Path) -> None:
    folder.write_text("")


@unix_only
@pytest.mark.parametrize(
    ("prepare", "why"),
    [(_open_to_others, "owner's alone"), (_a_link, "something else"), (_a_file, "File exists")],
)
def test_a_folder_that_others_could_have_made_is_not_used(runtime: Path, prepare: Any, why: str) -> None:
    prepare(runtime / "pounce")
    with pytest.raises(OSError, match=why):
        prepare_run_directory()


@unix_only
def test_a_folder_of_another_user_is_not_used(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_run_directory()
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError, match="another user"):
        prepare_run_directory()
    with pytest.raises(PermissionError, match="another user"):
        find_server()


def gone_process() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@unix_only
def test_sockets_that_killed_servers_left_are_removed(runtime: Path) -> None:
    folder = prepare_run_directory()
    gone = gone_process()
    listening(folder / f"{gone}.sock").close()
    prepare_run_directory()
    assert list(folder.iterdir()) == []


def _of_a_running_process(folder: Path, _gone: int) -> str:
    listening(folder / f"{os.getpid()}.sock").close()
    return f"{os.getpid()}.sock"


SERVERS: list[socket.socket] = []
"""Those of a test."""


def _with_a_server_behind_it(folder: Path, gone: int) -> str:
    SERVERS.append(listening(folder / f"{gone}.sock"))
    return f"{gone}.sock"


def _a_file_of_this_name(folder: Path, gone: int) -> str:
    (folder / f"{gone}.sock").write_text("")
    return f"{gone}.sock"


def _a_link_to_one(folder: Path, gone: int) -> str:
    listening(folder.parent / "left").close()
    (folder / f"{gone}.sock").symlink_to(folder.parent / "left")
    return f"{gone}.sock"


def _of_another_name(folder: Path, _gone: int) -> str:
    listening(folder / "mine.sock").close()
    return "mine.sock"


def _without_the_ending(folder: Path, gone: int) -> str:
    listening(folder / str(gone)).close()
    return str(gone)


@unix_only
@pytest.mark.parametrize(
    "leave",
    [
        _of_a_running_process,
        _with_a_server_behind_it,
        _a_file_of_this_name,
        _a_link_to_one,
        _of_another_name,
        _without_the_ending,
    ],
)
def test_everything_else_in_the_folder_stays(runtime: Path, leave: Any) -> None:
    folder = prepare_run_directory()
    name = leave(folder, gone_process())
    prepare_run_directory()
    while SERVERS:
        SERVERS.pop().close()
    assert [path.name for path in folder.iterdir()] == [name]
    assert (runtime / "left").exists() == (folder / name).is_symlink()


# -- finding it ------------------------------------------------------------------------------------------------------


def listening(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    return sock


@unix_only
def test_the_only_server_is_found_among_those_that_have_ended(runtime: Path) -> None:
    with pytest.raises(NoServer, match="--introspection"):
        find_server()
    prepare_run_directory()
    listening(default_socket_path(1)).close()  # as a server leaves it that was killed
    with pytest.raises(NoServer, match="--introspection"):
        find_server()
    with listening(default_socket_path(2)):
        assert find_server() == ServerAddress(path=str(runtime / "pounce" / "2.sock"))
        with listening(default_socket_path(3)), pytest.raises(NoServer, match=r"^several servers run.*: 2, 3"):
            find_server()


TARGETS = [
    ("unix:/a/b.sock", ServerAddress(path="/a/b.sock")),
    ("unix:///a/b", ServerAddress(path="/a/b")),
    ("/a/b", ServerAddress(path="/a/b")),
    ("b.sock", ServerAddress(path="b.sock")),
    ("localhost:9700", ServerAddress(host="localhost", port=9700)),
    ("http://127.0.0.1:9700/", ServerAddress(host="127.0.0.1", port=9700)),
    ("[::1]:9700", ServerAddress(host="::1", port=9700)),
]


@pytest.mark.parametrize(("target", "expected"), TARGETS)
def test_a_server_is_named_in_many_ways(target: str, expected: ServerAddress) -> None:
    assert find_server(target) == expected


@unix_only
def test_a_number_is_that_of_its_process(runtime: Path) -> None:
    assert find_server("12").path == str(runtime / "pounce" / "12.sock")


def test_what_names_no_server_is_refused() -> None:
    with pytest.raises(NoServer, match="nor the number of a process"):
        find_server("what")
