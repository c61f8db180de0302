from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pounce_compression.file_body import read_piece, read_small

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_bytes(b"0123456789")
    return path


def test_small_files_are_read(file: Path) -> None:
    assert read_small(str(file), 10, None) == b"0123456789"
    assert read_small(file, 100, 10) == b"0123456789"


def test_what_is_the_servers(file: Path) -> None:
    assert read_small(str(file), 9, None) is None, "too large"
    assert read_small(str(file), 100, 11) is None, "it became shorter, and the server says so"
    assert read_small(str(file), 100, 9) is None
    assert read_small(str(file) + "x", 100, None) is None, "missing"
    assert read_small(str(file.parent), 100, None) is None, "a folder"
    assert read_small("\0", 100, None) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_fifos_hold_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert read_small(tmp_path / "fifo", 100, None) is None


@pytest.mark.parametrize("descriptor", [False, True])
def test_pieces_from_where_the_file_stands_or_is_told(file: Path, descriptor: bool) -> None:
    with file.open("rb") as opened:
        source = opened.fileno() if descriptor else opened
        assert read_piece(source, None, 2) == b"01"
        assert read_piece(source, None, 2) == b"23"
        assert read_piece(source, 8, 5) == b"89"
        assert read_piece(source, 10, 5) == b""
