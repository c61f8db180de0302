"""The examples of the README run as they are."""

from __future__ import annotations

import pathlib
import re
from typing import Any

README = pathlib.Path(__file__).parent.parent / "README.md"


def test_the_examples_run_in_order() -> None:
    text = README.read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == 4
    namespace: dict[str, Any] = {"__name__": "readme"}
    for example in examples:
        exec(compile(example, str(README), "exec", dont_inherit=True), namespace)
    assert namespace["sink"].body == b"HELLO WORLD"


def test_every_module_that_is_named_is_there() -> None:
    table = re.findall(r"^\| (`.*?) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`(\w+)`", row)}
    source = README.parent / "src" / "pounce_asgi"
    modules = {path.stem for path in source.iterdir() if not path.stem.startswith("_")}
    assert named - modules == set()
