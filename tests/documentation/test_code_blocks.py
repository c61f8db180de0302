"""What the pages for readers show is so: Python runs, commands are understood or run, settings load."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce import Server, load_config
from pounce.cli import run_command
from pounce_testing import throw_away_certificate
from tests.documentation.blocks import PAGES, ROOT, WHY_SHOWN, Block, blocks_of
from tests.documentation.console import Terminal
from tests.documentation.interpreter import Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCKS: Final = {page: blocks_of(page) for page in PAGES}
COMMANDS: Final = re.compile(r"(?:\$ )?(?:[A-Z_]+=\S+ )*pounce (.*)$")
INSTALLED: Final = re.compile(r"pip install (.*)$", re.MULTILINE)
OTHERS: Final = re.compile(r"\$ (?:uvicorn|gunicorn|hypercorn|granian) ")
"""Commands from which a reader comes, above ours."""

SHELL: Final = {"", "console", "sh"}
OF_LOGGING: Final = {"version", "formatters", "filters", "handlers", "loggers", "root", "disable_existing_loggers"}

PACKAGES: Final = {
    path.parent.name: set(tomllib.loads(path.read_text(encoding="utf-8"))["project"].get("optional-dependencies", {}))
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}


def having(*languages: str, mark: str = "") -> list[Any]:
    """Parameters: the blocks of these languages, of pages that have some."""
    chosen = (block for blocks in BLOCKS.values() for block in blocks if block.language in languages)
    return [pytest.param(block, id=block.place) for block in chosen if mark in block.marks or not mark]


def executed(page: str) -> list[Block]:
    """The blocks that an interpreter executes: Python that is no file, and what sets up logging."""
    return [
        one
        for one in BLOCKS[page]
        if "file" not in one.marks and (one.language == "python" or (one.language == "toml" and sets_up_logging(one)))
    ]


def sets_up_logging(block: Block) -> bool:
    """Whether it is a file for ``--log-config``."""
    return tomllib.loads(block.text).keys() <= OF_LOGGING


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Interpreter]:
    """One that has imported what most pages do, and has children that execute them."""
    with Interpreter() as interpreter:
        yield interpreter


@pytest.mark.parametrize("page", [page for page in BLOCKS if executed(page)])
def test_python_runs(page: str, tmp_path: Path, interpreter: Interpreter) -> None:
    """All blocks of a page, one after the other, in a process of their own."""
    prepared(page, tmp_path)
    code, printed = interpreter.execute([dataclasses.asdict(one) for one in executed(page)], tmp_path)
    assert code == 0, printed


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a shell")
@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if any("run" in one.marks for one in blocks)])
def test_commands_run(page: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    prepared(page, tmp_path)
    terminal = Terminal(tmp_path)
    try:
        for block in BLOCKS[page]:
            if "run" in block.marks:
                terminal.run(block)
    finally:
        terminal.close()


def prepared(page: str, folder: Path) -> None:
    """Write the files that the page shows, and those that it says are there."""
    for name in ("public", "assets"):
        (folder / name).mkdir()
    for block in BLOCKS[page]:
        if "file" in block.marks:
            path = folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if block.marks.get("needs") == "certificate":
            files = throw_away_certificate().settings
            shutil.copy(files["ssl_certfile"], folder / "cert.pem")
            shutil.copy(files["ssl_keyfile"], folder / "key.pem")


@pytest.mark.parametrize("block", having("python"))
def test_python_is_as_people_write_it(block: Block) -> None:
    """No block is written for the test: one that ends in an ellipsis says what is left out by its text around it."""
    ast.parse(block.text)
    assert "\t" not in block.text
    assert all(len(line) <= 120 for line in block.text.splitlines())


@pytest.mark.parametrize("block", having("", "console", "sh", "toml", "ini", "dockerfile", "yaml"))
def test_commands_are_understood(
    block: Block, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every option of a `pounce` that is shown is one that there is, with a value that is allowed.

    Below a mistake that is shown on purpose stands what the command says of it.
    """

    def run(self: Server, *, last: bool = False) -> int:
        return 0

    monkeypatch.setattr(Server, "run", run)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("POUNCE_")]:
        monkeypatch.delenv(name)
    lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
    for line, below in itertools.pairwise([*lines, ""]):
        words = shlex.split(command_in(line), comments=True)
        if not words:
            continue
        serves = ":" in words[0] or words[0].startswith("-")  # other commands are asked for their help instead
        code = run_command(words if serves else [*words, "--help"])
        if below.startswith("pounce: "):
            assert (code, capsys.readouterr().err.strip()) == (2, below), line
        else:
            assert code == 0, f"{line}\n{capsys.readouterr().err}"


def command_in(line: str) -> str:
    """What stands behind `pounce` in a line that is a command."""
    found = COMMANDS.match(line)
    return found.group(1).removesuffix(" &") if found else ""


@pytest.mark.parametrize("block", having("", "console", "sh"))
def test_what_is_to_be_installed_is_there(block: Block) -> None:
    for line in INSTALLED.findall(block.text):
        for name, extras in re.findall(r"(pounce-\w+)(?:\[([\w,]+)\])?", line):
            assert name in PACKAGES
            assert set(filter(None, extras.split(","))) <= PACKAGES[name], line


@pytest.mark.parametrize("block", [one for one in having("toml") if not sets_up_logging(*one.values)])
def test_settings_load(block: Block, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    table = tomllib.loads(block.text)
    if "pytest" in table.get("tool", {}):
        for name in table["tool"]["pytest"]["ini_options"]:
            pytestconfig.getini(name)  # raises where the plugin has no such option
        return
    if "tool" in table:
        (tmp_path / "pyproject.toml").write_text(block.text, encoding="utf-8")
    else:
        (tmp_path / "pounce.toml").write_text(block.text, encoding="utf-8")
    flags = {} if "app" in table or "tool" in table else {"app": "main:app"}
    assert load_config(flags, {}, folder=tmp_path).config.app


@pytest.mark.parametrize("block", [pytest.param(one, id=one.place) for blocks in BLOCKS.values() for one in blocks])
def test_every_block_is_executed_or_says_why_not(block: Block) -> None:
    """Python, commands and settings by the tests above, drawings by the test of their script, data by a parser."""
    if "shown" in block.marks:
        assert block.marks["shown"] in WHY_SHOWN
        assert len(block.marks) == 1
    elif block.language in SHELL and not {"run", "file"} & block.marks.keys():
        lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
        known = (COMMANDS, INSTALLED, OTHERS, re.compile("pounce: "))
        strange = [line for line in lines if not any(one.match(line) for one in known)]
        assert not strange, "run it, or say why it is only shown"
    else:
        assert block.language in {"python", "toml", "json", "yaml", "mermaid", *SHELL} or "file" in block.marks


@pytest.mark.parametrize("block", having("json"))
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", having("yaml"))
def test_yaml_is_yaml(block: Block) -> None:
    pytest.importorskip("yaml").safe_load(block.text)


@pytest.mark.parametrize("page", PAGES)
def test_every_language_is_one_of_these(page: str) -> None:
    """So that no block is passed over because it is written in another way."""
    fences = re.findall(r"^[ \t]*(?:```|~~~)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert fences == ["```"] * (2 * len(BLOCKS[page]))
    known = {
        "",
        "console",
        "sh",
        "python",
        "toml",
        "json",
        "yaml",
        "ini",
        "nginx",
        "dockerfile",
        "mermaid",
        "text",
        "http",
    }
    assert {block.language for block in BLOCKS[page]} <= known
    assert all(
        block.marks.keys() <= {"file", "shown"}
        for block in BLOCKS[page]
        if block.language not in {"console", "python", "toml"}
    )
