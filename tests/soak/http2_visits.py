"""What clients of HTTP/2 do: several streams at once, some of which they reset, and goodbyes with streams in flight."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from tests.soak.account import Outcome, Way
from tests.soak.asked import any_request, settle
from tests.soak.http2 import Http2, Stream
from tests.soak.visitors import TRIES

if TYPE_CHECKING:
    import random

    from tests.soak.asked import Asked
    from tests.soak.visitors import Site

__all__ = ["come_over_http2"]

WAY: Final = Way.HTTP2


async def come_over_http2(site: Site, dice: random.Random) -> None:
    """One connection with a few rounds of streams."""
    again: list[Asked] = []
    rounds = dice.randint(1, 4)
    for _ in range(TRIES):
        connection = Http2(*await site.open(site.http2, WAY))
        try:
            if not await connection.ready():
                continue
            while rounds > 0 or again:
                rounds -= 1
                asked = again + [any_request(site.account, WAY, dice) for _ in range(dice.randint(1, 6))]
                again = await _round(site, connection, asked, dice, last=rounds <= 0)
                if connection.leaving or connection.ended or again:
                    break
        except asyncio.CancelledError:
            site.account.fault(f"nothing more came over HTTP/2: {connection}")
            raise
        finally:
            await connection.close()
        if rounds <= 0 and not again:
            return
    for one in again:
        site.account.lose(one.number, "never answered")


async def _round(site: Site, connection: Http2, asked: list[Asked], dice: random.Random, *, last: bool) -> list[Asked]:
    """All at once; those that are to be asked anew."""
    given_up = asyncio.create_task(_give_up(site, connection, dice)) if dice.random() < 0.4 else None
    waiting = [asyncio.create_task(_ask(site, connection, one)) for one in asked]
    await asyncio.sleep(0)
    if last and dice.random() < 0.5:
        connection.say_goodbye()
    if given_up is not None:
        await given_up
    return [one for one in await asyncio.gather(*waiting) if one is not None]


async def _ask(site: Site, connection: Http2, asked: Asked) -> Asked | None:
    """The same when it is to be asked anew."""
    stream = connection.begin(asked.method, asked.target, *asked.fields, body=asked.body is not None)
    if asked.body is not None:
        await connection.send_body(stream, asked.body)
    await stream.until_over()
    if stream.ended:
        body = bytes(stream.body)
        if stream.fields.get(b"content-encoding") == b"gzip" and body:
            body = zlib.decompress(body, 31)
        settle(site.account, asked, stream.status, body)
        return None
    return asked if _may_ask_again(site, connection, stream, asked.number) else None


def _may_ask_again(site: Site, connection: Http2, stream: Stream, number: int) -> bool:
    if stream.untouched:
        site.account.retry(WAY, "the server had not begun with it")
        return True
    if stream.status or stream.code != -1:
        site.account.lose(number, f"stream cut off with {stream.code} after status {stream.status}")
        return False
    return site.retry(WAY, "the connection ended", reused=connection.leaving, number=number)


async def _give_up(site: Site, connection: Http2, dice: random.Random) -> None:
    """Begin something, and reset it before its end."""
    number = site.account.begin(WAY)
    if dice.random() < 0.5:  # an upload that is not completed
        stream = connection.begin("POST", f"/echo?n={number}", body=True)
        await connection.send_body(stream, bytes(dice.randint(1, 40_000)), end=False)
        await asyncio.sleep(dice.choice((0, 0.01)))
        site.account.settle(number, Outcome.LEFT_EARLY)
        connection.reset(stream)
        return
    target = f"/events?n={number}" if dice.random() < 0.5 else f"/download?n={number}&size=4000000"
    stream = connection.begin("GET", target)
    if dice.random() < 0.3:
        site.account.settle(number, Outcome.LEFT_EARLY)
        connection.reset(stream)
        return
    while not stream.status and not stream.over:
        await stream.until_more()
    # Refused, or the connection ended: it knows no more than one that left early.
    site.account.settle(number, Outcome.LEFT if stream.status else Outcome.LEFT_EARLY, stream.status)
    await asyncio.sleep(dice.choice((0, 0.05)))
    connection.reset(stream)
