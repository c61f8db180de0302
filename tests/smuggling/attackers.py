"""Clients that send a corpus through a proxy while ordinary ones use it, and what must not have happened then."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.smuggling.witness import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.smuggling.witness import Request

__all__ = ["Conversation", "attack", "complaints"]

AT_ONCE: Final = 160
"""Attackers beside each other: some wait until nothing more comes."""
SILENCE: Final = 0.15
"""Seconds without a byte after which nothing more is waited for."""
FIRST: Final = 1.0
"""As long for the first byte: the server is busy with all of the others."""
PATIENCE: Final = 20.0

SEEN: Final = re.compile(rb"\{seen (\S+) by ([^}\s]+)\}")
WORD: Final = re.compile(rb"/([kw]\d{4})")
"""No mark of a proxy looks so."""


@dataclass(slots=True)
class Conversation:
    """One client: what it was, and what came back."""

    name: str
    token: bytes
    received: bytearray = field(default_factory=bytearray)

    @property
    def answers(self) -> list[tuple[bytes, bytes]]:
        """Path and mark of the requests that the application has answered to it."""
        return SEEN.findall(self.received)


async def attack(
    port: int, wires: Sequence[tuple[str, bytes]], *, victims_at: int | None = None, victims: int = 40
) -> list[Conversation]:
    """Send all of it, each over a connection of its own, with ordinary requests in between and after."""
    gate = asyncio.Semaphore(AT_ONCE)
    talks = [Conversation(name, b"k%04d" % number) for number, (name, _) in enumerate(wires)]

    async def send(talk: Conversation, wire: bytes) -> None:
        async with gate:
            await send_raw(port, wire.replace(b"TOKEN", talk.token), talk)

    sending = asyncio.gather(*[send(talk, wire) for talk, (_, wire) in zip(talks, wires, strict=True)])
    canaries: list[Conversation] = []
    while not sending.done() or len(canaries) < victims:
        canary = Conversation("an ordinary client", b"w%04d" % len(canaries))
        canaries.append(canary)
        await ask(victims_at or port, canary)
        if not sending.done():
            await asyncio.sleep(0.01)
    await sending
    return talks + canaries


async def send_raw(port: int, wire: bytes, talk: Conversation) -> None:
    """Send the bytes as they are and keep what comes, until nothing does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(wire)
        while True:
            async with asyncio.timeout(SILENCE if talk.received else FIRST):
                data = await reader.read(65536)
            if not data:
                break
            talk.received += data
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def ask(port: int, talk: Conversation) -> None:
    """An ordinary request, whose answer is read to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    path = b"/canary/" + talk.token
    writer.write(b"GET %s HTTP/1.1\r\nHost: first\r\nConnection: close\r\n\r\n" % path)
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while data := await reader.read(65536):
                talk.received += data
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def complaints(talks: Sequence[Conversation], requests: Sequence[Request]) -> Iterator[str]:
    """Each way in which proxy and server did not agree; nothing when all is well."""
    names = {talk.token: talk.name for talk in talks}
    yield from _of_requests(requests, names)
    seen = {(request.path, request.mark) for request in requests}
    for talk in talks:
        yield from _of_conversation(talk, seen, names)


def _of_requests(requests: Sequence[Request], names: dict[bytes, str]) -> Iterator[str]:
    marks: set[bytes] = set()
    for request in requests:
        who = names.get(next(iter(WORD.findall(request.path)), b""), "?")
        if len(request.marks) != 1:
            yield f"{who}: {request.path!r} reached the server and the proxy knows {len(request.marks)} of it"
        if request.mark in marks:
            yield f"{who}: {request.path!r} came twice"
        marks.add(request.mark)
        if request.version not in ("1.0", "1.1"):
            yield f"{who}: {request.path!r} came over HTTP/{request.version}, which the proxy does not speak to servers"
        if MARK in request.body.lower() or b"/canary/" in request.body:
            yield f"{who}: {request.path!r} has another request in its body: {bytes(request.body)!r}"


def _of_conversation(talk: Conversation, seen: set[tuple[bytes, bytes]], names: dict[bytes, str]) -> Iterator[str]:
    for word in {*WORD.findall(talk.received)} - {talk.token}:
        if word in names:
            yield f"{talk.name} got what was for {names[word]}: {bytes(talk.received)!r}"
    if len(set(talk.answers)) < len(talk.answers):
        yield f"{talk.name} got an answer twice: {bytes(talk.received)!r}"
    if not seen.issuperset(talk.answers):
        yield f"{talk.name} got an answer to nothing: {bytes(talk.received)!r}"
    if talk.token.startswith(b"w") and [path for path, _ in talk.answers] != [b"/canary/" + talk.token]:
        yield f"an ordinary client did not get its answer but {bytes(talk.received)!r}"
