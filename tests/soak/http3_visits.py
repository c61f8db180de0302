"""What clients of HTTP/3 do: several requests at once, some of which they give up."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING, Any, Final

from tests.clients.http3_client import connected
from tests.soak.account import Outcome, Way
from tests.soak.asked import any_request, settle
from tests.soak.visitors import TRIES

if TYPE_CHECKING:
    import random

    from tests.soak.asked import Asked
    from tests.soak.visitors import Site

__all__ = ["come_over_http3"]

WAY: Final = Way.HTTP3
REQUEST_REJECTED: Final = 0x10B
"""The server has done nothing for it (RFC 9114, 8.1)."""
REQUEST_CANCELLED: Final = 0x10C
HANDSHAKE_SECONDS: Final = 15.0


async def come_over_http3(site: Site, dice: random.Random) -> None:
    """One connection with a few rounds of requests."""
    again: list[Asked] = []
    rounds = dice.randint(1, 4)
    for _ in range(TRIES):
        stops = site.stops
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    client = await stack.enter_async_context(connected(site.library, site.quic_port, site.authority))
            except (ConnectionError, TimeoutError) as error:
                # Who was amid the handshake when the server ended hears nothing more; otherwise somebody has to answer.
                if site.stops == stops and "tls" not in site.stopping:
                    site.account.fault(f"no connection over HTTP/3: {error!r}")
                    break
                site.account.retry(WAY, "at a stop: no connection")
                continue
            while rounds > 0 or again:
                rounds -= 1
                asked = again + [any_request(site.account, WAY, dice) for _ in range(dice.randint(1, 5))]
                again = await _round(site, client, asked, dice)
                if again or client.lost:
                    break
        if rounds <= 0 and not again:
            return
    for one in again:
        site.account.lose(one.number, "never answered")


async def _round(site: Site, client: Any, asked: list[Asked], dice: random.Random) -> list[Asked]:
    given_up = asyncio.create_task(_give_up(site, client, dice)) if dice.random() < 0.4 else None
    waiting = [asyncio.create_task(_ask(site, client, one)) for one in asked]
    again = [one for one in await asyncio.gather(*waiting) if one is not None]
    if given_up is not None:
        await given_up
    client.answers.clear()
    return again


async def _ask(site: Site, client: Any, asked: Asked) -> Asked | None:
    try:
        answer = client.begin(asked.target, body=asked.body, method=asked.method, fields=asked.fields)
    except Exception as error:  # noqa: BLE001 - the two libraries have several for a connection that has ended
        return (
            asked if site.retry(WAY, f"not asked: {type(error).__name__}", reused=True, number=asked.number) else None
        )
    await answer.over.wait()
    if answer.complete:
        body = answer.body
        if answer.fields.get(b"content-encoding") == b"gzip" and body:
            body = zlib.decompress(body, 31)
        settle(site.account, asked, answer.status, body)
        return None
    if answer.code == REQUEST_REJECTED:
        site.account.retry(WAY, "the server had not begun with it")
        return asked
    if answer.status or answer.code is not None:
        site.account.lose(asked.number, f"stream cut off with {answer.code} after status {answer.status}")
        return None
    return (
        asked if site.retry(WAY, f"the connection ended: {client.reason}", reused=True, number=asked.number) else None
    )


async def _give_up(site: Site, client: Any, dice: random.Random) -> None:
    """Want no more of it at once, or with the first bytes of the answer."""
    number = site.account.begin(WAY)
    target = f"/events?n={number}" if dice.random() < 0.5 else f"/download?n={number}&size=4000000"
    try:
        answer = client.begin(target)
    except Exception as error:  # noqa: BLE001 - as above
        site.account.settle(number, Outcome.LEFT_EARLY)
        site.account.retry(WAY, f"not asked, nor missed: {type(error).__name__}")
        return
    if dice.random() < 0.7:
        await answer.grew.wait()  # or its end
    site.account.settle(number, Outcome.LEFT if answer.status else Outcome.LEFT_EARLY, answer.status)
    client.give_up(answer, REQUEST_CANCELLED)
