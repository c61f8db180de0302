"""The README's examples run, in the order in which they are read."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pounce_testing import SHARING_VARIANTS, TestServer
from pounce_testing.cases import CASES
from pounce_testing.fixtures import over

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve

README = Path(__file__).resolve().parent.parent / "README.md"


@over(SHARING_VARIANTS[:1])  # they are about names and arguments, which are the same in all
def test_examples_run(serve: Serve) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 10
    names: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    names["test_hello"](serve)
    asyncio.run(names["test_in_a_coroutine"]())
    marked = names["test_over_kinds_of_workers"]
    (mark,) = marked.pytestmark
    with TestServer(mark.args[0], root_path=mark.kwargs["root_path"]) as server, server.client() as client:
        marked(client)
    contract = names["TestMyParser"]()
    contract.test_case(CASES[0])
    assert names["test_hello_everywhere"].pytestmark[0].args[0] == "variant"


def test_examples_of_the_page_run() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "testing.md"
    if not page.exists():
        pytest.skip("this is not the repository")
    (block,) = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(compile(block, str(page), "exec"), {})
