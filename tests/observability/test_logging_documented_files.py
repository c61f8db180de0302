"""The files that docs/logging.md shows do what it says of them, in processes of their own."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "logging.md"

PROGRAM = """
import logging, sys
from pounce_observability.logging_setup import LoggingSettings, current_request_id, set_up_logging
set_up_logging(LoggingSettings(log_config=sys.argv[1]))
current_request_id.set("abc")
logging.getLogger("myapp").info("of the application")
logging.getLogger("pounce.server").info("of the server")
logging.getLogger("pounce.access").info("a request")
"""


def block(language: str, holds: str) -> str:
    """The block of the page that holds this."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    one: str
    (one,) = [text for text in found if holds in text]
    return one


def run(folder: pathlib.Path, config: str) -> tuple[list[dict[str, str]], str]:
    """What is on stderr, and on stdout."""
    (folder / "logging.toml").write_text(config)
    (folder / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py", "logging.toml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stderr.splitlines()], done.stdout


def test_everything_in_json(tmp_path: pathlib.Path) -> None:
    messages, access = run(tmp_path, block("toml", "[root]"))
    assert [(one["logger"], one["message"], one["request_id"]) for one in messages] == [
        ("myapp", "of the application", "abc"),
        ("pounce.server", "of the server", "abc"),
    ]
    assert access == "a request\n"


def test_messages_by_way_of_a_queue(tmp_path: pathlib.Path) -> None:
    (tmp_path / "queued_logging.py").write_text(block("python", "# queued_logging.py"))
    messages, access = run(tmp_path, block("toml", "queued_logging.handler"))
    assert [(one["logger"], one["message"], one["request_id"]) for one in messages] == [
        ("pounce.server", "of the server", "abc"),
    ]
    assert access == "a request\n"
