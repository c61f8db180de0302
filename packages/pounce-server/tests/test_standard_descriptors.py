"""A program that was started without standard input, output and error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, socket, sys
from pounce.standard_descriptors import open_standard_descriptors
for number in {closed}:
    os.close(number)
open_standard_descriptors()
new = socket.socket()
os.fstat(0), os.fstat(1), os.fstat(2)
with open({report!r}, "w") as report:
    report.write(str(new.fileno() > 2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are handed on otherwise there")
@pytest.mark.parametrize("closed", [(), (0,), (0, 1, 2), (1, 2)])
def test_no_socket_gets_their_numbers(tmp_path: os.PathLike[str], closed: tuple[int, ...]) -> None:
    report = os.path.join(tmp_path, "report")  # noqa: PTH118 - a text is wanted
    script = SCRIPT.format(closed=closed, report=report)
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    with Path(report).open() as told:
        assert told.read() == "True"
