"""What waits to be sent: bytes and ranges of files in order, whatever the socket takes at a time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from loops import run_virtually

from pounce_asgi import ClientGone
from pounce_workers.net import send_queue
from pounce_workers.net.send_queue import FileRange, SendQueue

if TYPE_CHECKING:
    import pathlib

CONTENT = random.Random(7).randbytes(300_000)


class Socket:
    """Takes so many bytes a call, over and over; 0 is a full socket."""

    sends_files = True

    def __init__(self, *takes: int, vectored: bool = True) -> None:
        self.takes = takes or (1 << 30,)
        self.calls = 0
        self.taken = b""
        if vectored:
            self.sendmsg = lambda views: self.send(b"".join(views))

    def send(self, data: Any) -> int:
        room = self.takes[self.calls % len(self.takes)]
        self.calls += 1
        if not room:
            raise BlockingIOError
        part = bytes(data[:room])
        self.taken += part
        return len(part)

    def sendfile(self, out: object, descriptor: int, offset: int, count: int) -> int:
        """Takes the place of ``os.sendfile``."""
        return self.send(os.pread(descriptor, count, offset))

    def fileno(self) -> int:
        return 99


@pytest.fixture
def file(tmp_path: pathlib.Path) -> Any:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    with path.open("rb") as opened:
        yield opened


def drain(queue: SendQueue, sock: Socket) -> int:
    """Send until it is empty; returns how many turns it took."""
    turns = 0
    while queue:
        turns += 1
        assert turns < 100_000
        with contextlib.suppress(BlockingIOError):
            assert queue.send_some(sock) > 0  # type: ignore[arg-type]
    return turns


SOCKETS = [(1 << 30,), (1,), (7, 0, 5000), (0, 0, 65536), (65537,)]


@pytest.mark.parametrize("takes", SOCKETS)
@pytest.mark.parametrize("vectored", [True, False])
def test_bytes_leave_in_order(takes: tuple[int, ...], vectored: bool) -> None:
    queue, sock = SendQueue(), Socket(*takes, vectored=vectored)
    pieces = [CONTENT[i * 37 : i * 37 + i] for i in range(200)]
    for piece in pieces:
        queue.append(piece)
    queue.append(b"abcdef", 4)
    queue.append(b"abcdef", 6)
    expected = b"".join(pieces) + b"ef"
    assert queue.size == len(expected)
    drain(queue, sock)
    assert (sock.taken, queue.size) == (expected, 0)


def test_equal_pieces_are_different_pieces() -> None:
    queue, sock = SendQueue(), Socket()
    for _ in range(5):
        queue.append(b"same")
    drain(queue, sock)
    assert sock.taken == b"same" * 5


@pytest.mark.parametrize("by", ["sendfile", "copy", "fallback"])
@pytest.mark.parametrize("takes", SOCKETS[0:1] + SOCKETS[2:])
@pytest.mark.parametrize(
    ("offset", "count", "expected"),
    [
        (0, 300_000, CONTENT),
        (None, 1000, CONTENT[10:1010]),
        (100, 1 << 62, CONTENT[100:]),
        (299_999, 5, CONTENT[-1:]),
        (300_000, 5, b""),
        (5, 0, b""),
    ],
)
def test_files_leave_between_bytes(
    file: Any,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
    takes: tuple[int, ...],
    offset: int | None,
    count: int,
    expected: bytes,
) -> None:
    sock = Socket(*takes)
    monkeypatch.setattr(send_queue, "_HAS_SENDFILE", by != "copy")
    monkeypatch.setattr(os, "sendfile", sock.sendfile if by == "sendfile" else _unable, raising=False)
    os.lseek(file.fileno(), 10, os.SEEK_SET)

    async def main() -> None:
        queue = SendQueue()
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        queue.append(b"before")
        queue.append_item(FileRange(file.fileno(), offset, count, done))
        queue.append(b"after")
        assert queue.size == len(b"beforeafter")  # what is not in memory does not count
        drain(queue, sock)
        assert sock.taken == b"before" + expected + b"after"
        assert await done == len(expected)
        if offset is None:
            assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 10 + len(expected)

    run_virtually(main)


def _unable(*_: object) -> int:
    raise OSError(errno.EINVAL, "not on this file system")


def test_a_large_file_leaves_in_steps(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call sends a step, so that one fast download leaves turns to the others."""
    sock = Socket()
    monkeypatch.setattr(os, "sendfile", sock.sendfile, raising=False)
    monkeypatch.setattr(send_queue, "FILE_STEP", 100_000)

    async def main() -> None:
        queue = SendQueue()
        queue.append_item(FileRange(file.fileno(), 0, 300_000, asyncio.get_running_loop().create_future()))
        assert drain(queue, sock) == 3

    run_virtually(main)


@pytest.mark.parametrize("error", [BrokenPipeError(), ConnectionResetError()])
def test_a_lost_connection_is_not_mistaken_for_a_file_system(
    file: Any, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def lost(*_: object) -> int:
        raise error

    monkeypatch.setattr(os, "sendfile", lost, raising=False)
    sock = Socket()

    async def main() -> None:
        queue = SendQueue()
        done = asyncio.get_running_loop().create_future()
        queue.append_item(FileRange(file.fileno(), 0, 5, done))
        with pytest.raises(type(error)):
            queue.send_some(sock)  # type: ignore[arg-type]
        queue.fail(error)
        assert sock.taken == b""
        with pytest.raises(ClientGone):
            await done

    run_virtually(main)


@pytest.mark.parametrize("ending", ["cancel", "failed before"])
def test_a_file_that_nobody_waits_for_is_not_touched(file: Any, ending: str) -> None:
    """The application gave up and may have closed the file: its number may be that of another file by now."""
    sock = Socket(1000)

    async def main() -> None:
        queue = SendQueue()
        done = asyncio.get_running_loop().create_future()
        queue.append_item(FileRange(file.fileno(), 0, 300_000, done))
        queue.append(b"after")
        if ending == "cancel":
            done.cancel()
        else:
            done.set_exception(ClientGone("gone"))
            done.exception()
        with pytest.raises(ConnectionError):
            drain(queue, sock)
        assert sock.taken == b""

    run_virtually(main)


def test_fail_drops_everything(file: Any) -> None:
    async def main() -> None:
        queue = SendQueue()
        done = [asyncio.get_running_loop().create_future() for _ in range(3)]
        queue.append(b"bytes")
        for one in done:
            queue.append_item(FileRange(file.fileno(), 0, 5, one))
        done[0].cancel()
        queue.fail(OSError("the reason"))
        assert (bool(queue), queue.size) == (False, 0)
        for one in done[1:]:
            with pytest.raises(ClientGone, match="the reason"):
                await one

    run_virtually(main)


def test_an_unknown_descriptor_is_the_callers_mistake() -> None:
    with pytest.raises(OSError, match="Bad file"):
        FileRange(987_654, None, 5, None)  # type: ignore[arg-type]
