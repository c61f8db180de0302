"""Files over a real socket, on every loop."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest
from transport_doubles import BIG, Link

from pounce_asgi import ClientGone
from pounce_workers.net import send_queue

if TYPE_CHECKING:
    from collections.abc import Callable


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sendfile", "copy"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "copy":
        monkeypatch.setattr(send_queue, "_HAS_SENDFILE", False)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("unix", [False, True])
def test_files_between_bytes(on_link: Callable[..., None], big_file: Any, unix: bool) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(b"<" * 100_000)
        whole = it.transport.sendfile(big_file, 0, None)
        it.transport.write(b"|")
        part = it.transport.sendfile(big_file.fileno(), 1000, 50_000)
        it.transport.write(b">")
        expected = b"<" * 100_000 + BIG + b"|" + BIG[1000:51_000] + b">"
        assert await it.read(len(expected)) == expected
        assert (await whole, await part) == (len(BIG), 50_000)
        small = it.transport.sendfile(big_file, len(BIG) - 3, 100)
        assert await it.read(3) == BIG[-3:]
        assert await small == 3  # the file has no more
        assert await it.transport.sendfile(big_file, 0, 0) == 0

    on_link(scenario, unix=unix)


@pytest.mark.usefixtures("_way")
def test_a_file_after_which_the_connection_closes(on_link: Callable[..., None], big_file: Any) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        done = it.transport.sendfile(big_file, 0, len(BIG))
        it.transport.close()
        assert await it.read_all() == BIG
        assert await done == len(BIG)
        await it.protocol.hears("lost")
        assert it.protocol.error is None

    on_link(scenario)


def test_a_file_whose_client_leaves(on_link: Callable[..., None], big_file: Any) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        first = it.transport.sendfile(big_file, 0, len(BIG))
        second = it.transport.sendfile(big_file, 0, len(BIG))
        it.client.close()
        for future in (first, second):
            with pytest.raises(ClientGone):
                await future
        assert it.transport.closing

    on_link(scenario)


def test_a_file_that_cannot_be_read_ends_in_a_reset(
    on_link: Callable[..., None], big_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response without a length ends with its connection: an end in order would make it look whole."""

    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(b"beginning")
        it.transport.write(BIG)
        failed = it.transport.sendfile(big_file, 0, len(BIG))

        def fail(*_: object) -> int:
            raise OSError(errno.EIO, "the disk is broken")

        monkeypatch.setattr(os, "sendfile", fail, raising=False)
        monkeypatch.setattr(os, "pread", fail, raising=False)
        monkeypatch.setattr(os, "lseek", fail)
        assert await it.was_reset()
        with pytest.raises(OSError):  # noqa: PT011 - any of them
            await failed
        await it.protocol.hears("lost")

    on_link(scenario)


def test_a_file_that_was_given_up_ends_in_a_reset(on_link: Callable[..., None], big_file: Any) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        done = it.transport.sendfile(big_file, 0, len(BIG))
        done.cancel()
        assert await it.was_reset()
        await it.protocol.hears("lost")
        assert isinstance(it.protocol.error, ConnectionError)

    on_link(scenario)
