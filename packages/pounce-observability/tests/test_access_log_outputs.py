"""Where access lines go."""

from __future__ import annotations

import errno
import io
import logging
import os
import select
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pounce_observability.access_log.outputs import (
    DescriptorOutput,
    FileOutput,
    LinesLost,
    LoggerOutput,
    StreamOutput,
    output_to,
)

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and moved files of POSIX")


def test_lines_to_a_stream_with_a_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        stream.write("before\n")
        output = output_to(stream)
        assert isinstance(output, DescriptorOutput)
        output.write(["one", "two ü \ud800"])
        output.reopen()
        output.close()
        stream.write("after\n")
    assert path.read_bytes() == b"before\none\ntwo \xc3\xbc \\ud800\nafter\n"


@posix
@pytest.mark.parametrize("size", [1, 100, 4095, 4096, 9000])
def test_writes_to_a_pipe_hold_whole_lines_and_are_atomic(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    reader, writer = os.pipe()
    sizes: list[int] = []
    real = os.write

    def write(fd: int, data: bytes) -> int:
        sizes.append(len(data))
        assert bytes(data).endswith(b"\n"), "a part of a line"
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    lines = [f"{number:0{size}}" for number in range(7)]
    thread = threading.Thread(target=DescriptorOutput(writer).write, args=(lines,))
    thread.start()
    received = b""
    while received.count(b"\n") < 7:
        received += os.read(reader, 1 << 20)
    thread.join()
    os.close(reader)
    os.close(writer)
    assert received.decode().split() == lines
    assert max(sizes) <= max(select.PIPE_BUF, size + 1)
    assert len(sizes) <= (1 if size <= 100 else 7)


@posix
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


@posix
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


@posix
def test_a_pipe_that_somebody_has_made_nonblocking_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    thread = threading.Thread(target=DescriptorOutput(writer).write, args=([("x" * 1000)] * 200,))
    thread.start()
    received = b""
    while received.count(b"\n") < 200:
        received += os.read(reader, 1 << 16)
    thread.join()
    os.close(writer)
    os.close(reader)
    assert received == (b"x" * 1000 + b"\n") * 200


def test_after_a_failure_in_the_middle_of_a_line_the_next_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = FileOutput(str(tmp_path / "log"))
    real = os.write
    room = 8

    def write(fd: int, data: memoryview) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real(fd, data[:room])
        room -= taken
        return taken

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(LinesLost) as caught:
        output.write(["one", "two", "three"])
    assert caught.value.lost == 1
    assert isinstance(caught.value.__cause__, OSError)
    room = 3
    with pytest.raises(LinesLost) as caught:
        output.write(["four"])
    assert caught.value.lost == 1
    room = 1000
    output.write(["five"])
    output.write(["six"])
    output.close()
    assert (tmp_path / "log").read_text() == "one\ntwo\nfou\nfive\nsix\n"


def test_after_a_failure_within_a_line_nothing_is_glued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = FileOutput(str(tmp_path / "log"))
    real = os.write
    left = [5, 0, 4, 0]

    def write(fd: int, data: memoryview) -> int:
        room = left.pop(0) if left else len(data)
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:room])

    monkeypatch.setattr(os, "write", write)
    for lines in (["one", "two"], ["three"]):
        with pytest.raises(LinesLost) as caught:
            output.write(lines)
        assert caught.value.lost == 1
    output.write(["four"])
    output.close()
    assert (tmp_path / "log").read_text() == "one\nt\nthr\nfour\n"


@posix
def test_a_moved_file_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output = FileOutput("log")
    monkeypatch.chdir("/")  # an application may do so
    path = tmp_path / "log"
    output.write(["one"])
    path.rename(tmp_path / "log.1")
    output.write(["two"])
    path.touch(0o600)  # as logrotate does with "create"
    output.reopen()
    output.write(["three"])
    output.close()
    assert (tmp_path / "log.1").read_text() == "one\ntwo\n"
    assert path.read_text() == "three\n"


@posix
def test_a_file_that_cannot_be_opened_anew_stays_in_use(tmp_path: Path) -> None:
    output = FileOutput(str(tmp_path / "log"))
    (tmp_path / "log").rename(tmp_path / "log.1")
    (tmp_path / "log").mkdir()
    with pytest.raises(IsADirectoryError):
        output.reopen()
    output.write(["one"])
    output.close()
    assert (tmp_path / "log.1").read_text() == "one\n"


APPENDING = """
import sys
from pounce_observability.access_log.outputs import FileOutput
path, name = sys.argv[1:]
output = FileOutput(path)
sys.stdin.read()
for piece in range(40):
    output.write([f"{name} {piece * 50 + line} {'x' * 200}" for line in range(50)])
"""


def test_several_processes_append_without_mixing_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    command = [sys.executable, "-c", APPENDING, str(path)]
    processes = [subprocess.Popen([*command, name], stdin=subprocess.PIPE) for name in "abc"]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()  # all are ready, or nearly so: now they write at the same time
    for process in processes:
        process.wait()
        assert process.returncode == 0
    lines = path.read_text().splitlines()
    assert len(lines) == 6000
    for name in "abc":
        own = [line.split() for line in lines if line.startswith(name)]
        assert own == [[name, str(number), "x" * 200] for number in range(2000)]


def test_a_stream_without_a_descriptor() -> None:
    stream = io.StringIO()
    output = output_to(stream)
    assert isinstance(output, StreamOutput)
    output.write(["one", "two"])
    output.reopen()
    output.close()
    assert stream.getvalue() == "one\ntwo\n"


def test_no_stream() -> None:
    assert output_to(None) is None


def test_through_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.access")
    output = LoggerOutput(logger)
    with caplog.at_level(logging.INFO, "tests.access"):
        output.write(["100%s", "two"])
    output.reopen()
    output.close()
    assert caplog.messages == ["100%s", "two"]
