"""What hears of requests and writes of them: no line, no record and no number is lost or comes twice."""

from __future__ import annotations

import gc
import itertools
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import SUBSCRIPTIONS, Listeners, ResponseCompleted
from pounce_asgi.collectors import BufferedCollector
from pounce_asgi.server_lifespan import ServerLifespan
from pounce_http1.vocabulary import Vocabulary
from pounce_observability.access_log.atoms import AtomLines, parsed
from pounce_observability.access_log.log_writer import LogWriter
from pounce_observability.access_log.remembered import MOST, Remembered
from pounce_observability.advice.collection_pauses import CollectionPauses
from pounce_observability.advice.repeats import Repeats
from pounce_observability.metrics import Metrics
from pounce_observability.metrics.settings import MetricsSettings
from pounce_observability.tracing.repetition_filter import RepetitionFilter
from tests.stress.crowd import Crowd

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from tests.stress.crowd import Circumstances

__all__ = ["SUBJECTS"]


def record(status: int = 200) -> ResponseCompleted:
    """Of a request that is over."""
    return ResponseCompleted(
        *(10.0, 1e9, 0, 1, None, ("192.0.2.1", 5), "GET", b"/", b"", "1.1", [], status, 13, 9.0, 0.05, False),
        protocol="http/1.1",
    )


class _Output:
    """Keeps lines, and says when somebody else calls."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.callers: set[int] = set()

    def write(self, lines: Sequence[str]) -> None:
        self.callers.add(threading.get_ident())
        self.lines += lines

    def reopen(self) -> None:
        self.callers.add(threading.get_ident())

    def close(self) -> None: ...


def access_log(given: Circumstances) -> None:
    """Buffers of one thread and of several: written or counted as dropped, in order, by one thread."""
    output = _Output()
    writer = LogWriter(output, capacity=200, interval=0.001)
    writer.start()
    shared = writer.buffer(shared=True)
    own = threading.local()
    added, dropped = [0] * given.threads, [0] * given.threads

    def logs(number: int, dice: random.Random) -> None:
        if number % 2:
            buffer = shared
        else:
            buffer = getattr(own, "buffer", None) or writer.buffer()
            own.buffer = buffer
        if buffer.full():
            dropped[number] += 1
        else:
            buffer.add(f"{number} {added[number]}")
            added[number] += 1
        if dice.random() < 0.001:
            writer.reopen()

    Crowd(given).run(logs)
    assert writer.stop()
    assert len(output.callers) == 1
    assert len(output.lines) == writer.written == sum(added)
    assert writer.dropped == sum(dropped)
    following = {str(number): itertools.count() for number in range(given.threads)}
    for line in output.lines:
        number, _, index = line.partition(" ")
        assert int(index) == next(following[number])


def lines_of_several_threads(given: Circumstances) -> None:
    """One formatter for a pool of threads, whose texts are forgotten all the time: each line is that of its request."""
    lines = AtomLines(parsed("%(s)s %(U)s"))
    remembered: Remembered[int] = Remembered(str)

    def formats(_number: int, dice: random.Random) -> None:
        status, path = dice.randrange(200, 600), b"/%d" % dice.randrange(3000)
        assert lines.line(record(status)._replace(raw_path=path)) == f"{status} {path.decode()}"
        value = dice.randrange(MOST * 2)
        assert remembered.of(value) == str(value)

    Crowd(given).run(formats)


def metrics(given: Circumstances) -> None:
    """Counted in threads that come and go, while somebody collects: no number falls, and the sum is exact."""
    made = Metrics(MetricsSettings(metrics_buckets=("0.01", "1")), application=False)
    shared = made.listeners_for_worker(0, shared=True)[0].listener
    counted = [0] * given.threads
    last = 0

    def counts(number: int, _dice: random.Random) -> None:
        if number % 2:
            shared(record())
            counted[number] += 1
            return

        def live() -> None:
            listener = made.listeners_for_worker(number)[0].listener
            for _ in range(20):
                listener(record())

        thread = threading.Thread(target=live)
        thread.start()
        thread.join()
        counted[number] += 20

    def collects() -> None:
        nonlocal last
        now = _requests(made)
        assert now >= last, "a number fell"
        last = now

    Crowd(given).run(counts, extra=(collects,))
    assert _requests(made) == sum(counted)


def _requests(made: Metrics) -> int:
    for family in made.snapshot()["families"]:
        if family["name"].startswith("pounce_http_requests"):
            return int(sum(one[-1] for one in _samples(family)))
    return 0


def _samples(family: Any) -> Any:
    return next(one for name, one in family.items() if isinstance(one, list) and name != "labels")


def collector(given: Circumstances) -> None:
    """Kept, taken, or dropped and counted."""
    kept = BufferedCollector(capacity=50)
    told, taken = [0] * given.threads, [0]

    def tells(number: int, _dice: random.Random) -> None:
        kept(record())
        told[number] += 1

    def takes() -> None:
        taken[0] += len(kept.take())

    Crowd(given).run(tells, extra=(takes,))
    takes()
    assert taken[0] + kept.dropped == sum(told)


def subscriptions(given: Circumstances) -> None:
    """Subscribed and cancelled while workers tell: who is subscribed hears everything, who has cancelled nothing."""
    live = SUBSCRIPTIONS.live(Listeners())
    always: list[int] = []
    lasting = SUBSCRIPTIONS.subscribe(lambda _: always.append(1), ResponseCompleted)
    told = [0] * given.threads

    def tells(number: int, _dice: random.Random) -> None:
        listener = live.now.response_completed
        assert listener is not None
        listener(record())
        told[number] += 1

    def comes_and_goes(_number: int, _dice: random.Random) -> None:
        callers: list[int] = []
        with SUBSCRIPTIONS.subscribe(lambda _: callers.append(threading.get_ident()), ResponseCompleted):
            listener = live.now.response_completed
            assert listener is not None
            listener(record())
            always.append(-1)
        assert callers.count(threading.get_ident()) == 1, "a subscriber does not hear its own thread"

    Crowd(given).run(tells, comes_and_goes)
    lasting.cancel()
    assert live.now.response_completed is None
    assert sum(always) == sum(told)


def repeats(given: Circumstances) -> None:
    """Every happening is in one report, or found no place."""
    noted: Repeats[str] = Repeats(every=0.0, most=20)
    count, said = [0] * given.threads, [0]

    def happens(number: int, dice: random.Random) -> None:
        noted.note(dice.randrange(30), "it", 1.0, dice.random())
        count[number] += 1

    def says() -> None:
        said[0] += sum(one.count for one in noted.due(2.0, everything=True))

    Crowd(given).run(happens, extra=(says,))
    says()
    assert said[0] + noted.untold == sum(count)


def messages_that_repeat(given: Circumstances) -> None:
    """Of each message one passes while the clock stands still."""
    held = RepetitionFilter(clock=lambda: 100.0)
    passed: list[str] = []

    def logs(_number: int, dice: random.Random) -> None:
        message = f"message {dice.randrange(50)}"
        if held.filter(logging.LogRecord("x", logging.ERROR, "", 0, message, (), None)):
            passed.append(message)

    Crowd(given).run(logs)
    assert len(passed) == len(set(passed))


def pauses(given: Circumstances) -> None:
    """Collections in all threads: the callback is one thread's at a time, and whoever takes gets each once."""
    noted = CollectionPauses(least=0.0)
    taken: list[Any] = []
    noted.install()
    try:

        def collects(number: int, _dice: random.Random) -> None:
            if number:
                [[] for _ in range(1000)]
            else:
                gc.collect(0)

        Crowd(given).run(collects, extra=(lambda: taken.extend(noted.take()),))
        gc.collect()
    finally:
        noted.remove()
    taken.extend(noted.take())
    assert taken
    assert all(one.seconds >= 0 for one in taken)


def vocabularies(given: Circumstances) -> None:
    """Made in many threads at once: equal words, and no two share an object."""
    made: list[list[Any]] = [[] for _ in range(given.threads)]
    Crowd(given).run(lambda number, _: made[number].append(Vocabulary()) if len(made[number]) < 20 else None)
    every = list(itertools.chain.from_iterable(made))
    assert every


def lifespan_of_all(given: Circumstances) -> None:
    """Started once; cancelled and shut down by all threads at once: the application sees each once."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        scope["state"]["made"] = object()
        await send({"type": "lifespan.startup.complete"})
        seen.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    for _ in range(2):
        seen.clear()
        lifespan = ServerLifespan(app)
        assert lifespan.startup()
        assert "made" in lifespan.state
        ends = [threading.Thread(target=lifespan.shutdown) for _ in range(given.threads)]
        for one in ends:
            one.start()
        for one in ends:
            one.join(20)
            assert not one.is_alive()
        assert seen == ["lifespan.startup", "lifespan.shutdown"]


SUBJECTS: Final = (
    access_log,
    lines_of_several_threads,
    metrics,
    collector,
    subscriptions,
    repeats,
    messages_that_repeat,
    pauses,
    vocabularies,
    lifespan_of_all,
)
