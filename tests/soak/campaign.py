"""One soak: clients over all protocols, new code, fresh workers, new servers; and what has become of it all."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pounce_testing import throw_away_certificate
from tests.clients.http3_client import LIBRARIES
from tests.soak.account import Account, Way
from tests.soak.conversations import Conversations, converse_over_http2
from tests.soak.growth import ALLOWED, ALLOWED_MEMORY, Growth, growth_of
from tests.soak.http1 import Place
from tests.soak.http1_visits import Http1Visits
from tests.soak.http2_visits import come_over_http2
from tests.soak.http3_visits import come_over_http3
from tests.soak.journal import Journal, disagreements
from tests.soak.readings import QUANTITIES, Reading
from tests.soak.serving import Settings, SoakServer
from tests.soak.visitors import Site, Visitors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Life", "Plan", "Result", "judge", "soak"]

FILLING: Final = ("memory", "objects")
"""What grows until all that is bounded is full: the longest takes 4096 tickets of TLS sessions over HTTP/3."""
MORE_AT_REST: Final = {"generations": 1.0}
"""What a server may have more than before when everybody has left: something of the import before may be left that a
later collection finds. Nothing of all else."""
AT_REST: Final = ("descriptors", "threads", "tasks", "connections")
"""What workers that have served for a while have no more of than fresh ones when everybody has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Times in seconds."""

    warm_up: float
    measured: float
    restarting: float
    """Time for the restarts of whole servers, which come at the end: each begins a new process."""
    restarts: int
    sample_every: float
    reload_every: float
    quiet_each: int
    """Before each so-manieth reload everybody leaves, and what the workers have then is compared."""
    requests_of_worker: int
    think: float
    crowd: int = 1
    """How many clients there are of each sort, at least."""
    filling: float = 0.0
    """The first part of what is measured, in which what is bounded still fills up: memory and objects are not judged
    by it. Without it they are compared at rest too."""
    workers: int = 2
    kind: str = "thread"
    seed: int = 1
    memory: int = ALLOWED_MEMORY
    """Bytes by which each server may grow."""
    leak: str = ""
    """What the application is to keep of some requests, to see that it is found: see `application.leak`."""

    @classmethod
    def of_minutes(cls, minutes: float, **given: object) -> Plan:
        """A long one."""
        seconds = minutes * 60
        return cls(
            warm_up=min(seconds / 8, 300.0),
            measured=seconds * 0.8,
            filling=seconds * 0.4,
            restarting=min(seconds / 10, 120.0),
            restarts=max(2, min(6, int(minutes // 5))),
            sample_every=max(1.0, min(10.0, seconds / 200)),
            reload_every=max(6.0, min(60.0, seconds / 15)),
            quiet_each=5 if minutes > 10 else 2,
            requests_of_worker=max(300, min(2500, int(seconds * 3))),
            think=0.8,
            crowd=3,
            **given,  # type: ignore[arg-type]
        )


@dataclass(slots=True)
class Life:
    """What was seen of one server."""

    samples: list[tuple[float, Reading]] = field(default_factory=list)
    before: Reading | None = None
    """With nobody there, after the warm-up, and after the time that is measured."""
    after: Reading | None = None
    quiet: list[tuple[float, Reading]] = field(default_factory=list)
    """With nobody there, and with workers that have served for a while."""
    growths: list[Growth] = field(default_factory=list)
    reloads: int = 0
    restarts: int = 0
    recycled: int = 0


@dataclass(slots=True)
class Result:
    """What a soak found; ``faults`` is empty when all is well."""

    plan: Plan
    lives: dict[str, Life]
    faults: list[str] = field(default_factory=list)
    requests: dict[str, dict[str, int]] = field(default_factory=dict)
    server_totals: dict[str, int] = field(default_factory=dict)
    access_lines: int = 0
    retried: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


class _Soak:
    """While it runs."""

    def __init__(self, plan: Plan, servers: tuple[SoakServer, ...], site: Site, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.servers = servers
        self.site = site
        self.say = say
        self.lives = {server.name: Life() for server in servers}
        self.visitors = Visitors(site, think=plan.think, seed=plan.seed)
        self.began = time.monotonic()

    async def run(self) -> None:
        self._invite()
        try:
            await self._warm_up()
            await self._measure()
            await self._restart()
        finally:
            with contextlib.suppress(TimeoutError):
                await self.visitors.hold()
            await self.visitors.end()

    def _invite(self) -> None:
        crowd, site, add = self.plan.crowd, self.site, self.visitors.add
        for way, place in ((Way.HTTP1, site.clear), (Way.HTTP1_TLS, site.tls), (Way.HTTP1_UNIX, site.unix)):
            visits = Http1Visits(way, place)
            add(visits.keep, 3 * crowd)
            for visit in (visits.pipeline, visits.leave, visits.offend):
                add(visit, crowd)
        add(Http1Visits(Way.HTTP1, site.clear).exceed, crowd)
        add(come_over_http2, 3 * crowd)
        add(Conversations(Way.WEBSOCKET, site.clear).converse, crowd)
        add(Conversations(Way.WEBSOCKET_TLS, site.tls).converse, crowd)
        add(converse_over_http2, crowd)
        if site.library:
            add(come_over_http3, 2 * crowd)

    async def _warm_up(self) -> None:
        self.visitors.let_in()
        await asyncio.sleep(self.plan.warm_up / 2)
        await self._reload()
        await asyncio.sleep(self.plan.warm_up / 2)
        for name, reading in (await self._nobody()).items():
            self.lives[name].before = reading

    async def _measure(self) -> None:
        self.visitors.let_in()
        reloading = asyncio.create_task(self._go_on_reloading())
        end = time.monotonic() + self.plan.measured
        try:
            while (now := time.monotonic()) < end:
                await self._sample(now)
                if reloading.done():
                    break
                await asyncio.sleep(max(0.0, min(end, now + self.plan.sample_every) - time.monotonic()))
        finally:
            # One that is under way is let end: else the next finds another generation than it counts.
            self._enough_reloads = True
            await reloading
        for name, reading in (await self._nobody()).items():
            self.lives[name].after = reading

    _enough_reloads = False
    _resting = False
    """Everybody is asked to leave, or has left."""

    async def _go_on_reloading(self) -> None:
        due = time.monotonic() + self.plan.reload_every
        number = 0
        while not self._enough_reloads:
            await asyncio.sleep(0.2)
            if time.monotonic() < due:
                continue
            number += 1
            if number % self.plan.quiet_each == 0:
                for name, reading in (await self._nobody(fresh=False)).items():
                    self.lives[name].quiet.append((time.monotonic() - self.began, reading))
                self.visitors.let_in()
            await self._reload()
            due = time.monotonic() + self.plan.reload_every

    async def _reload(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(server.reload) for server in self.servers))

    async def _sample(self, now: float) -> None:
        for server in self.servers:
            with contextlib.suppress(TimeoutError):
                if self._resting:
                    return  # looking at it would be all that goes on
                reading = await asyncio.to_thread(server.read)
                self.lives[server.name].samples.append((now - self.began, reading))
                self.say(f"{now - self.began:7.1f} s {server.name:5} {_shown(reading)} {self.site.account.count} asked")

    async def _nobody(self, *, fresh: bool = True) -> dict[str, Reading]:
        """What the servers have when all clients have left.

        ``fresh``: and fresh workers serve, which have none of the threads that a loop begins when it first needs them.
        """
        self._resting = True
        try:
            await self.visitors.hold()
            if fresh:
                await self._reload()
            found = {}
            for server in self.servers:
                found[server.name] = await asyncio.to_thread(server.settled)
                self.say(f"nobody there {server.name:5} {_shown(found[server.name])}")
            return found
        finally:
            self._resting = False

    async def _restart(self) -> None:
        if not self.plan.restarts:
            return
        self.visitors.let_in()
        for number in range(self.plan.restarts):
            await asyncio.sleep(self.plan.restarting / (self.plan.restarts + 1))
            server = self.servers[number % len(self.servers)]
            self.site.stopping.add(server.name)
            self.site.stops += 1
            await asyncio.to_thread(server.restart)
            await asyncio.sleep(1)  # clients see the end of a connection a little later
            self.site.stopping.discard(server.name)
            self.say(f"{server.name} was restarted")
        await asyncio.sleep(self.plan.restarting / (self.plan.restarts + 1))
        await self.visitors.hold()
        for server in self.servers:
            await asyncio.to_thread(server.settled)


def _shown(reading: Reading) -> str:
    told = reading.values()
    rest = "  ".join(f"{name} {told[name]}" for name in QUANTITIES if name != "memory")
    return f"memory {reading.memory / 2**20:.1f} MiB  {rest}"


def _context(authority: str, alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols([alpn])
    return context


def soak(plan: Plan, folder: Path, say: Callable[[str], None] = print) -> Result:
    """Run it in this folder, which is empty; takes the plan's time and some seconds."""
    certificate = throw_away_certificate()
    settings = Settings(
        workers=plan.workers, kind=plan.kind, requests_of_worker=plan.requests_of_worker, leak=plan.leak
    )
    with (
        SoakServer(folder, "clear", settings, None) as clear,
        SoakServer(folder, "tls", settings, certificate) as tls,
    ):
        account = Account()
        site = Site(
            account=account,
            clear=Place(clear.port),
            unix=Place(path=clear.path),
            tls=Place(tls.port, tls=_context(certificate.certfile, "http/1.1")),
            http2=Place(tls.port, tls=_context(certificate.certfile, "h2")),
            quic_port=tls.port,
            authority=certificate.certfile,
            library=LIBRARIES[0] if LIBRARIES else "",
            leaving_workers_close=plan.kind == "process",
        )
        run: list[_Soak] = []

        async def go() -> None:
            run.append(_Soak(plan, (clear, tls), site, say))
            await run[0].run()

        asyncio.run(go())
        for server in (clear, tls):
            server.stop()
        return _result(run[0], account)


def _result(run: _Soak, account: Account) -> Result:
    result = Result(run.plan, run.lives, seconds=time.monotonic() - run.began)
    result.faults += account.faults
    if account.fault_count > len(account.faults):
        result.faults.append(f"and {account.fault_count - len(account.faults)} more")
    journal = Journal(account.count)
    for server in run.servers:
        journal.read(server.lines())
        result.faults += [f"in the log of {server.name}: {line}" for line in server.faults[:20]]
        with server.access_log.open("rb") as lines:
            result.access_lines += sum(b"?n=" in line for line in lines)
        life = run.lives[server.name]
        life.reloads, life.restarts, life.recycled = server.reloads, server.restarts, server.recycled
        result.faults += judge(server.name, life, run.plan)
    result.faults += disagreements(account, journal)
    result.requests = {way: dict(counts) for way, counts in account.table().items()}
    result.retried = dict(account.retried)
    result.server_totals = journal.totals
    if result.access_lines != sum(journal.completed):
        result.faults.append(f"{result.access_lines} lines in the access logs, {sum(journal.completed)} completed")
    return result


def judge(name: str, life: Life, plan: Plan) -> list[str]:
    """What grew."""
    assert life.before is not None
    assert life.after is not None
    before, after = life.before.values(), life.after.values()
    faults = [
        f"{name}: with nobody there {found} {quantity} after {when:.0f} s, not {before[quantity]}: {reading.names}"
        for when, reading in life.quiet
        for quantity in AT_REST
        if (found := reading.values()[quantity]) > before[quantity]
    ]
    allowed = ALLOWED | {"memory": float(plan.memory)}
    filled = life.samples[0][0] + plan.filling if life.samples else 0.0
    for quantity in QUANTITIES:
        fills = quantity in FILLING
        samples = [(when, float(one.values()[quantity])) for when, one in life.samples]
        judged = [(when, value) for when, value in samples if when >= filled] if fills else samples
        life.growths.append(growth := growth_of(quantity, judged, allowed[quantity]))
        if growth.too_much:
            faults.append(f"{name}: {quantity} grow: {growth}")
        more = (allowed if fills else MORE_AT_REST).get(quantity, 0.0)
        if after[quantity] - before[quantity] > more and not (fills and plan.filling):
            grown = f"{before[quantity]} {quantity} before, {after[quantity]} after"
            faults.append(f"{name}: with nobody there {grown}: {life.after.names}")
    return faults
