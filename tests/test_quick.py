"""The rule that chooses the tests of the quick loop."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.quick import is_quick

PACKAGES: Final = Path(__file__).resolve().parent.parent / "packages"


@pytest.mark.parametrize(
    ("source", "quick"),
    [
        ("import pytest\n\nfrom pounce_http1 import RequestReader\n", True),
        ("# subprocess, as import socket\n", True),
        ("import subprocess\n", False),
        ("import socketserver\n", True),
        ("from threading import Thread\n", False),
        ("if TYPE_CHECKING:\n    from pounce_testing import TestServer\n", False),
        ("def test_it(pytester: pytest.Pytester) -> None: ...\n", False),
    ],
)
def test_what_a_file_imports_tells(tmp_path: Path, source: str, quick: bool) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(source, encoding="utf-8")
    assert is_quick(file) is quick


def test_every_package_has_some_but_the_one_that_is_about_servers() -> None:
    without = [each.name for each in PACKAGES.iterdir() if not any(map(is_quick, each.glob("tests/test_*.py")))]
    assert without == ["pounce-testing"]
