"""``pounce init``."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from pounce import load_config
from pounce.cli import run_command
from pounce.config import all_settings

Capture = pytest.CaptureFixture[str]
FILE = Path("pounce.toml")
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_takes_the_application_that_is_there(capsys: Capture) -> None:
    Path("main.py").write_text(FASTAPI)
    assert run_command(["init"]) == 0
    assert capsys.readouterr().out == "pounce.toml is written, for main:app; serve it with: pounce\n"
    assert tomllib.loads(FILE.read_text()) == {"app": "main:app"}
    assert load_config({}, {}).config.app == "main:app"


def test_a_factory_in_a_folder_of_its_own() -> None:
    Path("src/shop").mkdir(parents=True)
    Path("src/shop/__init__.py").write_text("def create_app(): ...\n")
    assert run_command(["init"]) == 0
    assert tomllib.loads(FILE.read_text()) == {"app": "shop:create_app", "factory": True, "app_dir": "src"}


def test_with_several_it_names_them_and_takes_none(capsys: Capture) -> None:
    Path("one.py").write_text(FASTAPI)
    Path("two.py").write_text(FASTAPI)
    assert run_command(["init"]) == 0
    assert "several applications were found" in capsys.readouterr().out
    assert tomllib.loads(FILE.read_text()) == {}
    assert "#   one:app\n#   two:app\n" in FILE.read_text()


def test_with_none_it_says_so(capsys: Capture) -> None:
    assert run_command(["init"]) == 0
    assert "no application was found" in capsys.readouterr().out
    assert '\n#app = "main:app"\n' in FILE.read_text()


def test_the_one_that_is_named_is_not_looked_for() -> None:
    assert run_command(["init", "shop.web:site"]) == 0
    assert tomllib.loads(FILE.read_text()) == {"app": "shop.web:site"}


def test_what_is_there_stays(capsys: Capture) -> None:
    FILE.write_text("# mine\n")
    assert run_command(["init", "a:b"]) == 2
    assert "pounce.toml is there already; it is left as it is" in capsys.readouterr().err
    assert FILE.read_text() == "# mine\n"
    assert run_command(["init", "a:b", "--force"]) == 0
    assert tomllib.loads(FILE.read_text()) == {"app": "a:b"}
    assert [path.name for path in Path().iterdir()] == ["pounce.toml"]


@pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")
def test_overwriting_follows_no_link_and_opens_to_nobody() -> None:
    victim = Path("victim")
    victim.write_text("untouched")
    Path(f".pounce.toml.{os.getpid()}").symlink_to(victim)  # whoever knows the next process id can place it
    FILE.write_text("# mine\n")
    FILE.chmod(0o600)
    assert run_command(["init", "a:b", "--force"]) == 0
    assert victim.read_text() == "untouched"
    assert not FILE.is_symlink()
    assert FILE.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in Path().iterdir()) == ["pounce.toml", "victim"]


def test_nothing_is_left_where_it_cannot_be_written(capsys: Capture) -> None:
    FILE.mkdir()
    assert run_command(["init", "a:b", "--force"]) == 2
    assert "pounce.toml cannot be written" in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["pounce.toml"]


def test_what_is_no_application_is_refused(capsys: Capture) -> None:
    assert run_command(["init", "main.py"]) == 2
    assert "'main.py' does not name an application: write module:attribute" in capsys.readouterr().err
    assert not FILE.exists()


@pytest.mark.parametrize("arguments", [["init", "main:app"], ["init", "main:app", "--all"]])
def test_its_lines_are_the_defaults(arguments: list[str]) -> None:
    assert run_command(arguments) == 0
    text = FILE.read_text()
    text = re.sub(r"^#(?=[a-z0-9_]+ = )(?!.*an example)", "", text, flags=re.MULTILINE)
    FILE.write_text(text)
    assert len(tomllib.loads(text)) > 10
    assert load_config({}, {}).config == load_config({"app": "main:app"}, {}, folder=Path("elsewhere")).config


def test_all_has_every_setting() -> None:
    run_command(["init", "main:app", "--all"])
    keys = set(re.findall(r"^#?([a-z0-9_]+) = ", FILE.read_text(), re.MULTILINE))
    assert keys == {setting.key for setting in all_settings()} - {"factory", "app_dir"}
