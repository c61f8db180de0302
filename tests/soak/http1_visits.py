"""What clients of HTTP/1.1 do: in the clear, over TLS, over a UNIX socket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from tests.soak.account import Outcome, Way
from tests.soak.asked import any_request, settle
from tests.soak.http1 import Answer, Http1, UnansweredError, pattern
from tests.soak.visitors import TRIES

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from tests.soak.asked import Asked
    from tests.soak.http1 import Place
    from tests.soak.visitors import Site

__all__ = ["Http1Visits"]

BODY: Final = 60_000


class Http1Visits:
    """Of one way to the server."""

    def __init__(self, way: Way, place: Place) -> None:
        self._way = way
        self._place = place
        self._leaving: tuple[Callable[[Site, random.Random, int], Awaitable[None]], ...] = (
            self._leave_events,
            self._leave_download,
            self._leave_upload,
            self._leave_at_once,
        )

    async def keep(self, site: Site, dice: random.Random) -> None:
        """Several requests on one connection, one after the other."""
        connection: Http1 | None = None
        try:
            for left in reversed(range(dice.randint(1, 10))):
                asked = any_request(site.account, self._way, dice)
                connection = await self._ask(site, connection, asked, dice, last=not left)
                await asyncio.sleep(dice.choice((0, 0, 0.02, 0.1)))
        finally:
            if connection is not None:
                await connection.close()

    async def _ask(
        self, site: Site, connection: Http1 | None, asked: Asked, dice: random.Random, *, last: bool
    ) -> Http1 | None:
        """Until there is an answer; the connection, if it goes on."""
        for _ in range(TRIES):
            connection = connection or await self._connect(site)
            fields = [f"{name}: {value}" for name, value in asked.fields] + ["connection: close"] * last
            _send(connection, asked, fields, chunked=dice.random() < 0.5)
            await connection.drain()
            try:
                answer = await connection.answer(method=asked.method)
            except UnansweredError as error:
                reused = connection.answers > 0
                await connection.close()
                connection = None
                if site.retry(self._way, str(error), reused=reused, number=asked.number):
                    continue
                return None
            except (OSError, EOFError) as error:
                site.account.lose(asked.number, f"cut off: {error!r}")
                await connection.close()
                return None
            settle(site.account, asked, answer.status, answer.body)
            if not answer.closes:
                return connection
            await self._end(site, connection)
            return None
        site.account.lose(asked.number, "never answered")
        return None

    async def _connect(self, site: Site) -> Http1:
        return Http1(*await site.open(self._place, self._way))

    async def _end(self, site: Site, connection: Http1) -> None:
        if after := await connection.ended():
            site.account.fault(f"{self._way.name}: after the last answer came {after[:80]!r}")
        await connection.close()

    async def pipeline(self, site: Site, dice: random.Random) -> None:
        """Several requests at once; what the server has not begun with is asked anew."""
        count = dice.randint(2, 8)
        numbers = [site.account.begin(self._way) for _ in range(count)]
        for _ in range(TRIES):
            connection = await self._connect(site)
            cut = dice.randrange(1, 60)
            wire = b"".join(b"GET /echo?n=%d HTTP/1.1\r\nhost: localhost\r\n\r\n" % number for number in numbers)
            connection.writer.write(wire[:cut])
            await asyncio.sleep(dice.choice((0, 0.01)))
            connection.writer.write(wire[cut:])
            await connection.drain()
            numbers = await self._read_pipeline(site, connection, numbers)
            await connection.close()
            if not numbers:
                return
        for number in numbers:
            site.account.lose(number, "never answered")

    async def _read_pipeline(self, site: Site, connection: Http1, numbers: list[int]) -> list[int]:
        """Those that are to be asked anew."""
        for place, number in enumerate(numbers):
            try:
                answer = await connection.answer()
            except UnansweredError as error:
                may = [site.retry(self._way, str(error), reused=place > 0, number=each) for each in numbers[place:]]
                return numbers[place:] if all(may) else []
            if answer.status == 200 and answer.body.startswith(b"%d 0 0 of " % number):
                site.account.settle(number, Outcome.ANSWERED, 200)
            else:
                site.account.lose(number, f"pipelined, and answered {answer.status} {answer.body[:60]!r}")
            if answer.closes and numbers[place + 1 :]:
                for _ in numbers[place + 1 :]:
                    site.account.retry(self._way, "pipelined behind a last answer")
                return numbers[place + 1 :]
        return []

    async def leave(self, site: Site, dice: random.Random) -> None:
        """Without waiting for the end of the answer."""
        number = site.account.begin(self._way)
        await dice.choice(self._leaving)(site, dice, number)

    async def _leave_events(self, site: Site, dice: random.Random, number: int) -> None:
        await self._leave_amid(site, dice, number, f"/events?n={number}", dice.randint(1, 200))

    async def _leave_download(self, site: Site, dice: random.Random, number: int) -> None:
        await self._leave_amid(site, dice, number, f"/download?n={number}&size=4000000", dice.randint(1, 50_000))

    async def _leave_amid(self, site: Site, dice: random.Random, number: int, target: str, size: int) -> None:
        """After so many bytes of the body, some of which have to be there."""
        for _ in range(TRIES):
            connection = await self._connect(site)
            connection.send("GET", target)
            try:
                await connection.drain()
                answer = await connection.head()
            except UnansweredError as error:
                await connection.close()
                if site.retry(self._way, str(error), reused=False, number=number):
                    continue
                return
            with contextlib.suppress(OSError, EOFError):  # at a stop it may be over before
                await connection.reader.readexactly(size)
            site.account.settle(number, Outcome.LEFT, answer.status)
            if dice.random() < 0.5:
                connection.reset()
            await connection.close()
            return

    async def _leave_upload(self, site: Site, dice: random.Random, number: int) -> None:
        connection = await self._connect(site)
        body = pattern(number, BODY)[: dice.randint(0, BODY - 1)]
        if dice.random() < 0.5:
            connection.send("POST", f"/echo?n={number}", f"content-length: {BODY}", body=body)
        else:
            connection.send("POST", f"/echo?n={number}", "transfer-encoding: chunked", body=b"%x\r\n" % BODY + body)
        await connection.drain()
        await asyncio.sleep(dice.choice((0, 0.01, 0.05)))
        site.account.settle(number, Outcome.LEFT_EARLY)
        connection.reset()
        await connection.close()

    async def _leave_at_once(self, site: Site, dice: random.Random, number: int) -> None:
        connection = await self._connect(site)
        connection.send("GET", f"/echo?n={number}")
        await asyncio.sleep(dice.choice((0, 0.001)))
        site.account.settle(number, Outcome.LEFT_EARLY)
        connection.reset()
        await connection.close()

    async def offend(self, site: Site, dice: random.Random) -> None:
        """Send what is no request, or too large a one: it is refused, and the connection ended."""
        number = site.account.begin(self._way)
        target = f"/echo?n={number}"
        head, status = dice.choice(
            (
                (f"GET {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
                (f"GET {target} HTTP/1.1\r\n\r\n", 400),
                (f"GET {target} HTTP/1.1\r\nhost: x\r\nbad name: y\r\n\r\n", 400),
                (f"GET {target}&long={'y' * 9000} HTTP/1.1\r\nhost: x\r\n\r\n", 414),
                (f"POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n", 413),
            )
        )
        for _ in range(TRIES):
            connection = await self._connect(site)
            connection.writer.write(head.encode())
            try:
                answer = await connection.answer()
            except UnansweredError as error:
                await connection.close()
                if site.retry(self._way, str(error), reused=False, number=number):
                    continue
                return
            if answer.status != status:
                site.account.lose(number, f"{head[:90]!r} was answered {answer.status}")
            else:
                site.account.settle(number, Outcome.LIMITED if status == 413 else Outcome.REFUSED, status)
            await self._end(site, connection)
            return

    async def exceed(self, site: Site, dice: random.Random) -> None:
        """Ask more often than the rate limit allows to one client."""
        visit = dice.randrange(1, 1 << 40)
        connection: Http1 | None = None
        for _ in range(5):
            number = site.account.begin(self._way)
            connection = await self._ask_limited(site, connection, number, visit)
        if connection is not None:
            await connection.close()

    async def _ask_limited(self, site: Site, connection: Http1 | None, number: int, visit: int) -> Http1 | None:
        for _ in range(TRIES):
            connection = connection or await self._connect(site)
            connection.send("GET", f"/limited?n={number}&visit={visit}")
            try:
                answer = await connection.answer()
            except UnansweredError as error:
                reused = connection.answers > 0
                await connection.close()
                connection = None
                if site.retry(self._way, str(error), reused=reused, number=number):
                    continue
                return None
            self._settle_limited(site, answer, number)
            if not answer.closes:
                return connection
            await self._end(site, connection)
            return None
        return None

    def _settle_limited(self, site: Site, answer: Answer, number: int) -> None:
        if answer.status == 429:
            site.account.settle(number, Outcome.LIMITED, 429)
        elif answer.status == 200 and answer.body.startswith(b"%d 0 0 of " % number):
            site.account.settle(number, Outcome.ANSWERED, 200)
        else:
            site.account.lose(number, f"limited, and answered {answer.status} {answer.body[:60]!r}")


def _send(connection: Http1, asked: Asked, fields: list[str], *, chunked: bool) -> None:
    """``chunked``: a body goes in chunks; else its length is told."""
    body = b""
    if asked.body is not None and chunked:
        fields.append("transfer-encoding: chunked")
        middle = len(asked.body) // 2
        pieces = [piece for piece in (asked.body[:middle], asked.body[middle:]) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    elif asked.body is not None:
        fields.append(f"content-length: {len(asked.body)}")
        body = asked.body
    connection.send(asked.method, asked.target, *fields, body=body)
