"""The README's examples run, in the order in which they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve

README = Path(__file__).resolve().parent.parent / "README.md"


def test_examples_run(serve: Serve) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    names["test_hello"](serve)
    assert names["test_hello_everywhere"].pytestmark[0].args[0] == "variant"
