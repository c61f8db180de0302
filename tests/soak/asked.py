"""Requests whose answers tell which request they belong to: the same over every protocol."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.soak.account import Account, Outcome, Way
from tests.soak.http1 import pattern

if TYPE_CHECKING:
    import random

__all__ = ["FILE", "FILE_SIZE", "Asked", "any_request", "settle"]

FILE: Final = "page.txt"
FILE_SIZE: Final = 40_000
DOWNLOADS: Final = (10, 5_000, 100_000)
UPLOADS: Final = (1, 900, 70_000)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and what its answer has to be."""

    number: int
    way: Way
    method: str
    target: str
    answer: bytes
    """What the body begins with, or is."""
    whole: bool = True
    """It is this, rather than begins with it."""
    body: bytes | None = None
    fields: tuple[tuple[str, str], ...] = ()
    outcome: Outcome = Outcome.ANSWERED


def any_request(account: Account, way: Way, dice: random.Random) -> Asked:
    """One of all kinds; most are small."""
    number = account.begin(way)
    kind = dice.choice(("get", "get", "get", "post", "post", "download", "stream", "file", "head"))
    if kind == "head" and way is Way.HTTP3:
        kind = "get"  # aioquic's client misses the body that the length tells of
    query = f"n={number}"
    coding = (("accept-encoding", "gzip"),) if dice.random() < 0.5 else ()
    if kind == "post":
        body = pattern(number, dice.choice(UPLOADS))
        told = b"%d %d %d of " % (number, len(body), zlib.crc32(body))
        return Asked(number, way, "POST", f"/echo?{query}", told, whole=False, body=body)
    if kind == "download":
        size = dice.choice(DOWNLOADS)
        return Asked(number, way, "GET", f"/download?{query}&size={size}", pattern(number, size), fields=coding)
    if kind == "stream":
        pieces = dice.randint(0, 12)
        told = b"".join(b"%d:%d\n" % (number, piece) for piece in range(pieces))
        return Asked(number, way, "GET", f"/stream?{query}&pieces={pieces}", told, fields=coding)
    if kind == "file":
        text = pattern(0, FILE_SIZE)
        return Asked(number, way, "GET", f"/assets/{FILE}?{query}", text, fields=coding, outcome=Outcome.FILE)
    if kind == "head":
        return Asked(number, way, "HEAD", f"/echo?{query}", b"")
    return Asked(number, way, "GET", f"/echo?{query}", b"%d 0 0 of " % number, whole=False)


def settle(account: Account, asked: Asked, status: int, body: bytes) -> None:
    """The whole answer has come."""
    right = body == asked.answer if asked.whole else body.startswith(asked.answer)
    if status == 200 and right:
        account.settle(asked.number, asked.outcome, status)
    else:
        account.lose(asked.number, f"{asked.method} {asked.target} was answered {status} {body[:60]!r}")
