"""What all workers count, keep or ask together: limits, checks, files, compression, certificates, sessions."""

from __future__ import annotations

import asyncio
import functools
import importlib
import itertools
import ssl
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.blocking_pool import BlockingPool, PoolFull
from pounce_compression.codecs import available_codings, codec_for
from pounce_compression.dictionary import DictionaryStore
from pounce_h3.sessions import QuicSessions
from pounce_middleware.health_registry import HealthRegistry
from pounce_middleware.rate_limit_store import MemoryRateStore
from pounce_middleware.request_id import RequestIdMiddleware
from pounce_middleware.shedder import LoadShedder, Outcome
from pounce_middleware.static import StaticFiles
from pounce_testing.certificate import throw_away_certificate
from pounce_workers.net.tls_contexts import TlsContexts
from pounce_workers.tls_settings import TlsSettings
from tests.stress.crowd import Crowd

if TYPE_CHECKING:
    import random

    from tests.stress.crowd import Circumstances

__all__ = ["SUBJECTS"]


def rate_limit(given: Circumstances) -> None:
    """While the clock stands still, each key is let through exactly as often as its bucket has tokens."""
    burst = 1000
    store = MemoryRateStore(10**9, burst, clock=lambda: 10**18)
    keys = [f"192.0.2.{number}" for number in range(4)]
    allowed = [dict.fromkeys(keys, 0) for _ in range(given.threads)]

    def asks(number: int, dice: random.Random) -> None:
        key = dice.choice(keys)
        allowed[number][key] += store.take(key).allowed

    Crowd(given).run(asks)
    for key in keys:
        while store.take(key).allowed:
            allowed[0][key] += 1
        assert sum(one[key] for one in allowed) == burst


def places_in_the_application(given: Circumstances) -> None:
    """Loops in many threads: never more inside than the limit, everybody is told, nobody is left."""
    limit = max(1, given.threads // 3)
    shedder = LoadShedder(limit, queue=given.threads)
    places = threading.BoundedSemaphore(limit)
    seen = [dict.fromkeys(Outcome, 0) for _ in range(given.threads)]

    async def request(mine: dict[Outcome, int], patience: float) -> None:
        asked = shedder.enter()
        if not isinstance(asked, Outcome):
            try:
                async with asyncio.timeout(patience):
                    await asyncio.shield(asked.future)
            except TimeoutError:
                shedder.give_up(asked, Outcome.EXPIRED)
            asked = await asked.future
        mine[asked] += 1
        if asked is Outcome.ENTERED:
            assert places.acquire(blocking=False), "more are inside than may be"
            await asyncio.sleep(0)
            places.release()
            shedder.leave()

    async def several(mine: dict[Outcome, int], dice: random.Random) -> None:
        async with asyncio.timeout(30):
            await asyncio.gather(*(request(mine, dice.choice((0.0001, 0.01, 20))) for _ in range(20)))

    Crowd(given).run(lambda number, dice: asyncio.run(several(seen[number], dice)))
    assert (shedder.active, shedder.waiting) == (0, 0)
    for name, outcome in (("full", Outcome.FULL), ("expired", Outcome.EXPIRED)):
        assert shedder.refused[name] == sum(one[outcome] for one in seen)


def calls_that_block(given: Circumstances) -> None:
    """Each call that is accepted runs once, or is withdrawn; the bounds hold; threads end when they are let go."""
    threads = max(1, given.threads // 2)
    pool = BlockingPool(threads, given.threads, idle_time=0.05)
    places = threading.BoundedSemaphore(threads)
    ran: list[None] = []
    accepted, withdrawn = [0] * given.threads, [0] * given.threads

    def call() -> None:
        if not places.acquire(blocking=False):
            ran.extend([None] * 10**6)  # shown by the sum
            return
        ran.append(None)
        places.release()

    def submits(number: int, dice: random.Random) -> None:
        mine = functools.partial(call)
        try:
            pool.submit(mine)
        except PoolFull:
            return
        accepted[number] += 1
        if dice.random() < 0.1:
            withdrawn[number] += pool.withdraw(mine)
        elif dice.random() < 0.01:
            pool.release()

    Crowd(given).run(submits)
    wanted = sum(accepted) - sum(withdrawn)
    _wait(lambda: len(ran) >= wanted, "a call was accepted and does not run")
    assert len(ran) == wanted
    pool.release()
    _wait(lambda: not pool.threads, "a thread that nobody needs goes on")


def checks_of_health(given: Circumstances) -> None:
    """Asked on many loops, while checks come and go: what a check says is what it said."""
    clock = itertools.count()
    registry = HealthRegistry(clock=lambda: next(clock) / 3)
    registry.add("always", lambda: True)

    async def fine() -> str:
        return "no"

    async def asks(dice: random.Random) -> None:
        if dice.random() < 0.2:
            registry.add("odd", fine)
        elif dice.random() < 0.2:
            registry.remove("odd")
        for _ in range(5):
            results = await registry.results()
            assert "always" in results
            assert not ("odd" in results and results["odd"].ok)

    Crowd(given).run(lambda _, dice: asyncio.run(asks(dice)))


def files_of_many_loops(given: Circumstances) -> None:
    """One application over a folder whose file is replaced again and again: every answer is one of its texts, whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = [b"%d" % number * 2000 for number in range(10)]
        (folder / "page.txt").write_bytes(texts[0])
        site = StaticFiles(folder)

        def replaces() -> None:
            for text in texts:
                (folder / "new").write_bytes(text)
                (folder / "new").replace(folder / "page.txt")
                time.sleep(0.01)

        async def asks() -> None:
            for _ in range(20):
                status, body = await _answer(site, "/page.txt")
                assert status == 200
                assert body in texts, body[:10]
                assert (await _answer(site, "/none.txt"))[0] == 404

        Crowd(given).run(lambda _number, _dice: asyncio.run(asks()), extra=(replaces,))


async def _answer(app: Any, path: str) -> tuple[int, bytes]:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "asgi": {"version": "3.0"}, "method": "GET", "path": path, "raw_path": path.encode()}
    await app({**scope, "headers": [], "query_string": b"", "root_path": "", "http_version": "1.1"}, receive, send)
    return said[0]["status"], b"".join(one.get("body", b"") for one in said[1:])


def request_ids(given: Circumstances) -> None:
    """One middleware in many threads: no id is given twice."""
    middleware = RequestIdMiddleware(_answers)
    mine: list[list[str]] = [[] for _ in range(given.threads)]

    async def asks(number: int) -> None:
        for _ in range(50):
            scope: Any = {"type": "http", "headers": [], "client": None}
            await middleware(scope, _nothing, _nothing)  # type: ignore[arg-type]
            mine[number].append(scope["state"]["request_id"])

    Crowd(given).run(lambda number, _: asyncio.run(asks(number)))
    every = list(itertools.chain.from_iterable(mine))
    assert len(set(every)) == len(every)


async def _answers(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})


async def _nothing(*_: Any) -> None: ...


def codecs(given: Circumstances) -> None:
    """The same codec in every thread, whole bodies and pieces: each body comes back as it was."""
    zstd = _zstd_decoder()
    decoders = {"gzip": lambda data: zlib.decompress(data, 31), "deflate": zlib.decompress, "zstd": zstd}
    codings = [one for one in available_codings() if decoders.get(one)]

    def compresses(number: int, dice: random.Random) -> None:
        coding = dice.choice(codings)
        codec = codec_for(coding)
        body = bytes([number]) * dice.randint(0, 5000) + dice.randbytes(dice.randint(0, 2000))
        assert decoders[coding](codec.compress(body)) == body
        stream = codec.stream()
        cut = dice.randint(0, len(body))
        packed = stream.compress(body[:cut]) + stream.flush() + stream.compress(body[cut:])
        if dice.random() < 0.8:  # or it is given up
            assert decoders[coding](packed + stream.finish()) == body

    Crowd(given).run(compresses)


def _zstd_decoder() -> Any:
    for name in ("compression.zstd", "zstandard"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if name == "zstandard":
            return lambda data: module.ZstdDecompressor().decompressobj().decompress(data)
        return module.decompress
    return None


def dictionaries(given: Circumstances) -> None:
    """Kept, forgotten and used at once: bounded, and what is found is what was kept under its hash."""
    store = DictionaryStore(["/a/*"], memory=4 * 1024 * 1024)
    pattern = store.patterns[0]

    def keeps_and_finds(number: int, dice: random.Random) -> None:
        content = b"%d " % dice.randrange(40) * 600
        kept = store.keep(content, pattern)
        assert kept is not None
        assert kept.content == content
        found = store._by_digest.get(kept.digest)
        assert found is None or found.content == content
        if not number % 4:
            assert kept.codec.compress(content[:300])
        assert store.concerns(b"/a/b")

    Crowd(given).run(keeps_and_finds)
    kept = store._by_digest
    assert store._used == sum(one.cost for one in kept.values()) <= 4 * 1024 * 1024


def tickets(given: Circumstances) -> None:
    """A ticket is good for one connection, whoever asks at the same time."""
    sessions = QuicSessions(most=64)
    got: list[list[Any]] = [[] for _ in range(given.threads)]

    def gives_and_takes(number: int, dice: random.Random) -> None:
        name = b"%d" % dice.randrange(100)
        if number % 2:
            sessions.add(name, object())
        elif (ticket := sessions.take(name)) is not None:
            got[number].append(ticket)
        assert len(sessions) <= 65

    Crowd(given).run(gives_and_takes)
    every = list(itertools.chain.from_iterable(got))
    assert len({id(one) for one in every}) == len(every)
    assert len(sessions) <= 64


def certificates(given: Circumstances) -> None:
    """Read again and again while connections begin: each handshake is whole."""
    made = throw_away_certificate()
    contexts = TlsContexts(TlsSettings(**made.settings), ("http/1.1",))  # type: ignore[arg-type]
    client = ssl.create_default_context(cafile=made.certfile)

    def shakes_hands(_number: int, _dice: random.Random) -> None:
        there, here = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
        one = client.wrap_bio(*there, server_hostname="localhost")
        other = contexts.current.wrap_bio(*here, server_side=True)
        open_ = {one, other}
        for _ in range(10):
            for each in tuple(open_):
                try:
                    each.do_handshake()
                    open_.discard(each)
                except ssl.SSLWantReadError:
                    pass
            here[0].write(there[1].read())
            there[0].write(here[1].read())
            if not open_:
                return
        raise AssertionError("the handshake does not end")

    def reads_again() -> None:
        contexts.look()
        assert contexts.reload()
        time.sleep(0.005)

    Crowd(given).run(shakes_hands, extra=(reads_again,))


def _wait(condition: Any, what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


SUBJECTS: Final = (
    rate_limit,
    places_in_the_application,
    calls_that_block,
    checks_of_health,
    files_of_many_loops,
    request_ids,
    codecs,
    dictionaries,
    tickets,
    certificates,
)
