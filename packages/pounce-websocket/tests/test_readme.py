"""The examples of the README run as they stand."""

from __future__ import annotations

import pathlib
import re


def test_the_examples_run() -> None:
    readme = (pathlib.Path(__file__).parent.parent / "README.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {"__name__": "__main__"})
