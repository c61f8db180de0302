"""The script behind the Makefile: which uv, which interpreter, and what uv may do.

Interpreters, uv and pip are played by shell scripts on a PATH of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import workspace
from scripts.workspace import Workspace, WorkspaceError

UV_WITHOUT_PYTHON = 'echo "$@" >> {log}\n[ "$1" = --version ] && echo "uv 0.13.9" && exit 0\nexit 2'


class Machine:
    """A machine with nothing installed, to be filled."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders = [root / "shims", root / "bin"]
        for folder in self.folders:
            folder.mkdir()
        self.log = root / "uv.log"
        self.environ = {"PATH": ":".join(map(str, self.folders))}

    def install(self, name: str, script: str, *, folder: str = "bin") -> Path:
        file = self.root / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def install_python(self, name: str, version: tuple[int, int, int], *, free_threaded: bool = False) -> str:
        answer = json.dumps([str(self.root / "bin" / name), version, free_threaded])
        return str(self.install(name, f"echo '{answer}'"))

    def install_shim(self, name: str) -> None:
        """As pyenv leaves them: a command for a version that is not installed."""
        self.install(name, "echo 'pyenv: command not found' >&2; exit 127", folder="shims")

    def workspace(self, **environ: str) -> Workspace:
        return Workspace(root=self.root / "checkout", environ=self.environ | environ)

    def calls_of_uv(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    (tmp_path / "checkout").mkdir()
    # The interpreter that runs the tests is not part of the machine.
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    made = Machine(tmp_path)
    made.install("uv", UV_WITHOUT_PYTHON.format(log=made.log))
    return made


def test_the_real_interpreter_answers_the_probe() -> None:
    found = workspace.probe(sys.executable)
    assert found is not None
    assert found.version == sys.version_info[:3]


def test_python_given_by_name_or_path_goes_first(machine: Machine) -> None:
    machine.install_python("python3.14t", (3, 14, 0), free_threaded=True)
    mine = machine.install_python("python3.12", (3, 12, 1))
    assert machine.workspace(PYTHON="python3.12").interpreter().path == mine
    assert machine.workspace(PYTHON=mine).interpreter().path == mine


@pytest.mark.parametrize("wanted", ["python3.9", "python3.13", "/nowhere/python3"])
def test_a_given_python_that_does_not_do_is_not_replaced_by_another(machine: Machine, wanted: str) -> None:
    machine.install_python("python3.14t", (3, 14, 0), free_threaded=True)
    machine.install_python("python3.9", (3, 9, 9))
    machine.install_shim("python3.13")
    with pytest.raises(WorkspaceError, match=f"PYTHON={wanted}"):
        machine.workspace(PYTHON=wanted).interpreter()


def test_free_threaded_python_on_path_is_preferred_and_shims_do_not_fool(machine: Machine) -> None:
    machine.install_shim("python3.14t")
    machine.install_python("python3", (3, 14, 0))
    wanted = machine.install_python("python3.14t", (3, 14, 0), free_threaded=True)
    assert machine.workspace().interpreter().path == wanted
    assert machine.calls_of_uv() == []


def test_uv_is_asked_once_and_the_answer_is_remembered(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    ordinary = machine.install_python("python3", (3, 11, 2))
    assert machine.workspace().interpreter().path == ordinary
    asked = machine.calls_of_uv()
    assert [call for call in asked if call.startswith("python install")] == ["python install --no-bin --quiet 3.14t"]
    assert "workers will be processes" in capsys.readouterr().err

    assert machine.workspace().interpreter().path == ordinary
    assert machine.calls_of_uv() == asked
    assert "workers will be processes" in capsys.readouterr().err


def test_what_uv_installed_is_used_and_remembered(machine: Machine) -> None:
    machine.install_python("python3", (3, 11, 2))
    # The name is one that is not looked for on PATH: only uv knows it.
    wanted = machine.install_python("python-from-uv", (3, 14, 0), free_threaded=True)
    machine.install(
        "uv",
        f"""echo "$@ $UV_HTTP_RETRIES $UV_PYTHON_DOWNLOADS" >> {machine.log}
[ "$1" = --version ] && echo "uv 0.13.9"
[ "$2" = install ] && touch "{machine.root}/installed"
[ "$2" = find ] && {{ [ -e "{machine.root}/installed" ] || exit 2; echo {wanted}; }}
exit 0""",
    )
    machine.environ["PATH"] += ":/usr/bin:/bin"  # for touch
    machine.install_shim("python3.14t")
    found = machine.workspace(PATH=machine.environ["PATH"]).interpreter_of_uv()
    assert found is not None
    assert found.path == wanted
    calls = machine.calls_of_uv()
    assert "python install --no-bin --quiet 3.14t 0 " in calls
    assert "python find --system --no-project 3.14t  never" in calls

    again = machine.workspace(PATH=machine.environ["PATH"]).interpreter_of_uv()
    assert again == found
    assert machine.calls_of_uv() == calls


def test_an_interpreter_of_uv_that_has_a_gil_is_not_taken_for_one_without(machine: Machine) -> None:
    wrong = machine.install_python("python-from-uv", (3, 14, 0))
    machine.install("uv", f'[ "$1" = --version ] && echo "uv 0.13.9" && exit 0\necho {wrong}')
    assert machine.workspace().interpreter_of_uv() is None


def test_an_old_python3_is_passed_over(machine: Machine) -> None:
    machine.install_python("python3", (3, 9, 2))
    newer = machine.install_python("python3.12", (3, 12, 0))
    assert machine.workspace().interpreter().path == newer


def test_a_machine_without_any_python_gets_one_line(machine: Machine) -> None:
    with pytest.raises(WorkspaceError, match=r"no Python from 3\.11 on"):
        machine.workspace().interpreter()


def test_uv_may_neither_download_nor_compile_nor_use_a_foreign_environment(machine: Machine) -> None:
    python = machine.install_python("python3.12", (3, 12, 0))
    given = machine.workspace(PYTHON="python3.12", VIRTUAL_ENV="/elsewhere", PYTHONPATH="/elsewhere")
    environ = given.environ_for_uv(given.interpreter())
    expected = {"UV_PYTHON": python, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_BUILD": "1"}
    assert environ | expected == environ
    assert environ["UV_PROJECT_ENVIRONMENT"] == str(given.root / ".venv")
    assert not {"VIRTUAL_ENV", "PYTHONPATH"} & environ.keys()


def test_the_folder_of_the_environment_can_be_named(machine: Machine) -> None:
    assert machine.workspace(UV_PROJECT_ENVIRONMENT=".venv-x").environment == machine.root / "checkout" / ".venv-x"


def test_uv_that_is_too_old_is_replaced_by_a_local_one(machine: Machine) -> None:
    machine.install("uv", "echo uv 0.4.1")
    machine.environ["PATH"] += ":/usr/bin:/bin"  # for mkdir and chmod
    # pip --target FOLDER: the last but one argument is the folder.
    machine.install(
        "pip3",
        f"""[ "$1" = --version ] && exit 0
echo "$@" > {machine.log}
mkdir -p {machine.root}/checkout/.uv/bin
printf '#!/bin/sh\\necho uv 0.13.9\\n' > {machine.root}/checkout/.uv/bin/uv
chmod 755 {machine.root}/checkout/.uv/bin/uv""",
    )
    there = machine.workspace(PATH=machine.environ["PATH"])
    assert there.uv() == str(there.local / "bin" / "uv")
    assert machine.log.read_text().split()[-3:] == ["--target", str(there.local), "uv>=0.8"]
    machine.log.unlink()
    assert there.uv() == str(there.local / "bin" / "uv")
    assert not machine.log.exists(), "the second time it is there"


def test_a_machine_with_neither_uv_nor_pip_gets_one_line(machine: Machine) -> None:
    machine.install("uv", "exit 127")
    with pytest.raises(WorkspaceError, match="neither uv nor pip is here"):
        machine.workspace().uv()


def test_a_failing_pip_is_reported(machine: Machine) -> None:
    machine.install("uv", "exit 127")
    machine.install("pip", '[ "$1" = --version ]')
    with pytest.raises(WorkspaceError, match="pip could not install uv"):
        machine.workspace().uv()


def test_a_command_runs_from_the_environment(machine: Machine) -> None:
    machine.install("hello", 'echo "$VIRTUAL_ENV $1"; exit 7', folder="checkout/.venv/bin")
    # In a process of its own, because the command takes the place of the script.
    code = (
        f"import sys; sys.path.insert(0, {str(workspace.ROOT)!r}); from pathlib import Path; "
        "from scripts.workspace import *; "
        f"there = Workspace(root=Path({str(machine.root / 'checkout')!r}), environ={machine.environ!r}); "
        "run_in(there, ['hello', 'world'])"
    )
    python = sys.base_prefix and workspace.probe(Path(sys.prefix, "bin", "python"))
    assert python
    done = subprocess.run([python.path, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (7, f"{machine.root / 'checkout' / '.venv'} world\n")


def test_an_unknown_command_is_one_line(machine: Machine) -> None:
    with pytest.raises(WorkspaceError, match="no command 'nonsense'"):
        workspace.run_in(machine.workspace(), ["nonsense"])


def test_without_a_command_the_script_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert workspace.main([], {}) == 2
    assert "workspace.py sync" in capsys.readouterr().err
