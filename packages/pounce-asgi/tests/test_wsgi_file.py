"""wsgi.file_wrapper: which files the kernel may send, and the iteration of all others."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from pounce_asgi.wsgi_file import FileWrapper, regular_file

if TYPE_CHECKING:
    import pathlib


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


def test_it_iterates_in_blocks_and_closes(file: pathlib.Path) -> None:
    opened = file.open("rb")
    wrapper = FileWrapper(opened, 4)
    assert list(wrapper) == [b"0123", b"4567", b"89"]
    wrapper.close()
    assert opened.closed


def test_it_has_a_close_only_if_the_file_has() -> None:
    class Readable:
        def read(self, size: int) -> bytes:
            return b""

    assert not hasattr(FileWrapper(Readable()), "close")
    assert list(FileWrapper(Readable())) == []


@pytest.mark.parametrize("mode", ["rb", "r+b"])
@pytest.mark.parametrize("buffering", [0, -1])
def test_regular_files_can_be_sent(file: pathlib.Path, mode: str, buffering: int) -> None:
    with file.open(mode, buffering=buffering) as opened:
        assert regular_file(opened) is opened


def test_files_within_wrappers_can_be_sent() -> None:
    class Proxy:
        def __init__(self, file: Any) -> None:
            self.file = file

    with tempfile.NamedTemporaryFile() as named:
        assert regular_file(Proxy(named)) is named.file


def test_all_others_are_read(file: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with gzip.open(tmp_path / "file.gz", "wb") as packed:
        packed.write(b"x")
    with gzip.open(tmp_path / "file.gz") as packed:
        assert regular_file(packed) is None
        assert regular_file(io.BufferedReader(packed)) is None
    with file.open() as text:
        assert regular_file(text) is None
    assert regular_file(io.BytesIO(b"x")) is None
    assert regular_file(object()) is None
    with tempfile.SpooledTemporaryFile() as spooled:
        assert regular_file(spooled) is None
    closed = file.open("rb")
    closed.close()
    assert regular_file(closed) is None


def test_a_pipe_is_read() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert regular_file(pipe) is None
