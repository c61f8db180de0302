"""A simulated way for datagrams, with a fixed clock: delay, bandwidth, loss, reordering, duplication, a largest size.

Chance is seeded: what happens to the nth datagram of a link is always the same.
"""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_h3 import Address

__all__ = ["Conditions", "Link", "Network"]

TICK: Final = 0.001
"""Seconds to which arrivals are rounded up: what arrives in the same one is read as one batch, as from a socket."""

Parcel = tuple[bytes, "Address"]
"""A datagram, and whose it is: of the client that sent it, or that it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How it is on a link, in one direction. Shares are between 0 and 1."""

    delay: float = 0.02
    """Seconds."""
    loss: float = 0.0
    """Share of the datagrams that never arrive."""
    duplicate: float = 0.0
    """Share that arrives twice."""
    reorder: float = 0.0
    """Share that arrives later than those behind it."""
    late: float = 0.012
    """By how many seconds."""
    bandwidth: float | None = None
    """Bytes a second; what has to wait for longer than ``queue`` is dropped."""
    queue: float = 0.1
    """Seconds."""
    largest: int = 1472
    """Bytes of a datagram; larger ones never arrive."""


class Link:
    """One direction. ``arrive`` is called with what arrived in one tick."""

    def __init__(self, conditions: Conditions, arrive: Callable[[Sequence[Parcel]], None], *, seed: int) -> None:
        self.conditions = conditions
        """May be replaced at any time, for what is sent from then on."""
        self.arrive = arrive
        self.sent = self.lost = 0
        """Datagrams, so far; too large ones and those that the queue had no room for among the lost."""
        self.bytes_sent = 0
        self.drop: Callable[[bytes], bool] = lambda _: False
        """Loss on purpose: of those datagrams for which it is true."""
        self._chance = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._on_the_way: dict[float, list[Parcel]] = {}
        self._busy_until = 0.0

    def send(self, data: bytes, address: Address) -> None:
        """Put a datagram on its way."""
        conditions, chance = self.conditions, self._chance.random
        self.sent += 1
        self.bytes_sent += len(data)
        late, lost, twice = chance() < conditions.reorder, chance() < conditions.loss, chance() < conditions.duplicate
        leaves = self._leaves(len(data))
        if lost or leaves is None or len(data) > conditions.largest or self.drop(data):
            self.lost += 1
            return
        arrives = leaves + conditions.delay + (conditions.late if late else 0.0)
        self._at(arrives, (data, address))
        if twice:
            self._at(arrives + conditions.late, (data, address))

    def _leaves(self, size: int) -> float | None:
        """When a datagram is through the narrowest place; None if there is no room for it before that."""
        now, bandwidth = self._loop.time(), self.conditions.bandwidth
        if bandwidth is None:
            return now
        begins = max(now, self._busy_until)
        if begins - now > self.conditions.queue:
            return None
        self._busy_until = begins + size / bandwidth
        return self._busy_until

    def _at(self, when: float, parcel: Parcel) -> None:
        tick = math.ceil(when / TICK) * TICK
        waiting = self._on_the_way.get(tick)
        if waiting is None:
            waiting = self._on_the_way[tick] = []
            self._loop.call_at(tick, self._deliver, tick)
        waiting.append(parcel)

    def _deliver(self, tick: float) -> None:
        self.arrive(self._on_the_way.pop(tick))


class Network:
    """One server, and clients by their addresses. What is for an address that nobody has (any more) is lost."""

    def __init__(self, up: Conditions | None = None, down: Conditions | None = None, *, seed: int = 1) -> None:
        self.up = Link(up or Conditions(), self._at_the_server, seed=seed)
        self.down = Link(down or up or Conditions(), self._at_the_clients, seed=seed + 1000)
        self.server: Callable[[Sequence[Parcel]], None] = lambda _: None
        self.clients: dict[Address, Callable[[Sequence[bytes]], None]] = {}

    def _at_the_server(self, parcels: Sequence[Parcel]) -> None:
        self.server(parcels)

    def _at_the_clients(self, parcels: Sequence[Parcel]) -> None:
        by_address: dict[Address, list[bytes]] = {}
        for data, address in parcels:
            by_address.setdefault(address, []).append(data)
        for address, datagrams in by_address.items():
            if receive := self.clients.get(address):
                receive(datagrams)

    def move(self, old: Address, new: Address) -> None:
        """A client has another address from now on (a migration, or a NAT that forgot the old one)."""
        self.clients[new] = self.clients.pop(old)
