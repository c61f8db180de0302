"""The examples of the README run, one after the other."""

from __future__ import annotations

import pathlib
import re
from typing import Any

README = pathlib.Path(__file__).parent.parent / "README.md"


def test_examples() -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 3
    names: dict[str, Any] = {"__name__": "readme"}
    for example in examples:
        exec(compile(example, str(README), "exec"), names)
