"""Streams of one connection over a real engine: whose turn it is, and what so many of them leave behind."""

from __future__ import annotations

import gc
import os
import tracemalloc

import pytest
from far_apps import Site
from far_end import LIBRARIES, FarEnd
from fixed_clock import run
from link import Conditions, Network
from quic_clients import Http3Client

STREAMS = 10_000 if "POUNCE_LONG_TESTS" in os.environ else 1500
SIZE = 300_000


@pytest.mark.parametrize("urgent", ["u=1", "u=1, i"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_urgent_arrive_first(library: str, urgent: str) -> None:
    """On a narrow way; the less urgent one was asked for before."""

    async def scenario() -> None:
        network = Network(Conditions(bandwidth=500_000))
        far = FarEnd(network, Site(), library=library)
        client = Http3Client(network, library)
        await client.connected()
        low = client.answer(client.begin(f"/bytes/{SIZE}", priority="u=6"))
        high = client.answer(client.begin(f"/bytes/{SIZE}", priority=urgent))
        await high.over.wait()
        assert len(high.body) == SIZE
        assert len(low.body) < SIZE // 2
        await low.over.wait()
        assert len(low.body) == SIZE
        await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())


@pytest.mark.parametrize("library", LIBRARIES)
def test_many_streams_leave_nothing(library: str) -> None:
    async def scenario() -> None:
        network = Network(Conditions())
        site = Site()
        far = FarEnd(network, site, library=library)
        client = Http3Client(network, library)
        await client.connected()

        async def ask(count: int) -> None:
            for _ in range(count // 50):
                for stream_id in [client.begin("/", body=b"abc" if one % 2 else None) for one in range(50)]:
                    await client.answer(stream_id).over.wait()
                client.answers.clear()
            site.begun.clear()
            site.done.clear()

        await ask(500)
        (connection,) = far.host.connections
        gc.collect()
        tracemalloc.start()
        await ask(STREAMS)
        gc.collect()
        # By the names of the packages: an unpacked sdist has its tests in a folder pounce_h3-<version>.
        mine = [tracemalloc.Filter(True, f"*/{name}/*") for name in ("pounce_h3", "pounce_asgi")]
        kept = sum(one.size for one in tracemalloc.take_snapshot().filter_traces(mine).statistics("filename"))
        tracemalloc.stop()
        assert connection.requests == STREAMS + 500
        assert kept < 100_000
        await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())
