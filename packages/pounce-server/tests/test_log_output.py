"""Where access lines go."""

from __future__ import annotations

import io
import logging
import os
import select
import threading
from typing import TYPE_CHECKING

from pounce.log_output import DescriptorOutput, LoggerOutput, StreamOutput, output_to

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_lines_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        stream.write("before\n")
        output = output_to(stream)
        assert isinstance(output, DescriptorOutput)
        output.write(["one", "two ü \ud800"])
    assert path.read_bytes() == b"before\none\ntwo \xc3\xbc \\ud800\n"


def test_writes_to_a_pipe_hold_whole_lines_and_are_atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    sizes: list[int] = []
    real = os.write

    def write(fd: int, data: bytes) -> int:
        sizes.append(len(data))
        assert bytes(data).endswith(b"\n")
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    lines = [f"{number:0100}" for number in range(200)]
    try:
        DescriptorOutput(writer).write(lines)
        assert max(sizes) <= select.PIPE_BUF
        assert len(sizes) < 10
        assert os.read(reader, 1 << 20).decode().split() == lines
    finally:
        os.close(reader)
        os.close(writer)


def test_a_partial_write_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:3])))
    try:
        DescriptorOutput(writer).write(["a long line"])
        assert os.read(reader, 100) == b"a long line\n"
    finally:
        os.close(reader)
        os.close(writer)


def test_a_blocked_pipe_does_not_lock_the_stream() -> None:
    """``print`` must go on while the writer waits, so the stream's own lock may not be held."""
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    output = output_to(stream)
    assert output is not None
    thread = threading.Thread(target=output.write, args=([("x" * 1000)] * 200,))
    thread.start()
    try:
        stream.write("not locked")  # would wait for ever if the writer held the lock
    finally:
        received = b""
        while received.count(b"\n") < 200:
            received += os.read(reader, 1 << 16)
        thread.join()
        stream.close()
        os.close(reader)


def test_a_stream_without_a_descriptor() -> None:
    stream = io.StringIO()
    output = output_to(stream)
    assert isinstance(output, StreamOutput)
    output.write(["one", "two"])
    assert stream.getvalue() == "one\ntwo\n"


def test_no_stream() -> None:
    assert output_to(None) is None


def test_through_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.access")
    with caplog.at_level(logging.INFO, "tests.access"):
        LoggerOutput(logger).write(["100%s", "two"])
    assert caplog.messages == ["100%s", "two"]
