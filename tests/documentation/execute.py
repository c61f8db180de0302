"""Executes the blocks of one page in a process of their own: ``execute.py BLOCKS.json``.

They share their names, as a reader would type them one after another. Line numbers are those of the page.
``execute.py --fork SECONDS`` reads the names of such files from its input, forks for each, and prints exit codes.
"""

from __future__ import annotations

import importlib
import json
import logging.config
import os
import runpy
import signal
import sys
import sysconfig
import tomllib
import warnings
from pathlib import Path
from typing import Any, Final

sys.path[:0] = ["", str(Path(__file__).resolve().parents[2])]

SHARED: Final = ("asyncio", "http.client", "pounce", "pounce_testing", "pounce_workers", "tests.documentation.given")
"""What the pages import, or most of them, and what starts no thread by that."""


def main(blocks: list[dict[str, Any]]) -> None:
    """Execute them; the first that does not do what it should ends the process with its traceback."""
    from tests.documentation.given import GIVEN

    if any("sentry" in block["text"] for block in blocks):
        _forget_frameworks_of_sentry()
    if any("pounce_http1.testing" in block["text"] for block in blocks):
        _take_some_cases()
    names: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        if block["language"] == "toml":
            _set_up_logging(block["text"])
            continue
        marks = block["marks"]
        code = compile("\n" * (block["line"] - 1) + block["text"], block["page"], "exec", dont_inherit=True)
        names.update((name.strip(), GIVEN[name.strip()]) for name in marks.get("given", "").split(",") if name.strip())
        if not _is_for_this_python(marks.get("only", "")):
            continue
        if "fails" not in marks:
            exec(code, names)
            continue
        try:
            exec(code, names)
        except Exception as error:
            if marks["fails"] in f"{type(error).__name__}: {error}":
                continue
            raise
        raise SystemExit(f"{block['page']}:{block['line']} was to fail with {marks['fails']}")


def _set_up_logging(text: str) -> None:
    """As ``--log-config`` does, with files in this folder."""
    logging.config.dictConfig({"version": 1} | tomllib.loads(text.replace("/var/log/pounce/", "")))


def _forget_frameworks_of_sentry() -> None:
    """It imports all that are installed, which for these tests are many and take seconds."""
    from sentry_sdk import integrations

    integrations._AUTO_ENABLING_INTEGRATIONS.clear()


def _take_some_cases() -> None:
    """The package itself goes through all of them, which takes long."""
    from pounce_http1 import testing

    testing.CASES = testing.CASES[::25]


def _is_for_this_python(only: str) -> bool:
    return only != "threads" or bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def serve_by_fork(seconds: float) -> None:
    """Until its input ends."""
    for name in SHARED:
        importlib.import_module(name)
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _be_the_child(Path(line.rstrip("\n")), seconds)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_the_child(request: Path, seconds: float) -> None:
    """Execute it as a script of this name, whose folder is the current one."""
    signal.setitimer(signal.ITIMER_REAL, seconds)  # a page that hangs is ended by SIGALRM
    os.chdir(request.parent)
    printed = os.open("printed.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, copy in ((null, 0), (printed, 1), (printed, 2)):
        os.dup2(descriptor, copy)
    sys.argv = [__file__, str(request)]
    runpy.run_path(__file__, run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    if sys.argv[1] == "--fork":
        serve_by_fork(float(sys.argv[2]))
    else:
        warnings.simplefilter("error")
        main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
