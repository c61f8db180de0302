"""Executes the Python blocks of one page in an interpreter of their own: ``execute.py BLOCKS.json``.

They share their names, as a reader would type them one after another. Line numbers are those of the page.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import Any

sys.path[:0] = ["", str(Path(__file__).resolve().parents[2])]


def main(blocks: list[dict[str, Any]]) -> None:
    """Execute them; the first that does not do what it should ends the process with its traceback."""
    from tests.documentation.given import GIVEN

    if any("sentry" in block["text"] for block in blocks):
        _forget_frameworks_of_sentry()
    if any("pounce_http1.testing" in block["text"] for block in blocks):
        _take_some_cases()
    names: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
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


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
