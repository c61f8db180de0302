"""A server as it must not be: it knows no Transfer-Encoding, and takes what looks like a request for one.

It is what the tests are tested with: in front of it every proxy has to be caught disagreeing.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from typing import TYPE_CHECKING, Final

from tests.smuggling.witness import MARK, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["careless_server"]

REQUEST_LINE: Final = re.compile(rb"[A-Z]+ (\S+) HTTP/1\.[01]\r?\n")
LENGTH: Final = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
MARKED: Final = re.compile(rb"^" + MARK + rb": *(\S+)", re.IGNORECASE | re.MULTILINE)


async def serve(requests: list[Request], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                found = REQUEST_LINE.fullmatch(line)
                if found is not None:
                    await answer(requests, found[1], reader, writer)
    finally:
        writer.close()


async def answer(
    requests: list[Request], path: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = b""
    while (line := await reader.readline()).strip():
        head += line
    request = Request(path=path, marks=tuple(MARKED.findall(head)), version="1.1")
    requests.append(request)
    if length := LENGTH.search(head):
        request.body += await reader.readexactly(int(length[1]))
    body = b"{seen %s by %s}" % (request.path, request.mark)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()


async def close_all(server: asyncio.Server) -> None:
    """Leave no socket to the collector, not even of those that have only just connected."""
    server.close()
    await asyncio.sleep(0)  # those that were accepted in this turn get a task of their own
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    await asyncio.sleep(0)  # transports close in the next turn


@contextlib.contextmanager
def careless_server(requests: list[Request]) -> Iterator[int]:
    """Its port; what reaches it is added to ``requests``."""
    ready: list[int] = []
    started, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(lambda *streams: serve(requests, *streams), "127.0.0.1", 0)
        ready.append(server.sockets[0].getsockname()[1])
        started.set()
        await stop.wait()
        await close_all(server)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert started.wait(20)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
