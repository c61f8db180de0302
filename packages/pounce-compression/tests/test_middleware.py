from __future__ import annotations

import asyncio
import random
import threading
from typing import Any

import pytest
from compression_doubles import Answer, answering, ask, http_scope, text
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_compression import CompressionMiddleware, available_codings


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "other"])
def test_other_scopes_pass_untouched(kind: str) -> None:
    seen: list[Any] = []

    async def application(*arguments: Any) -> None:
        seen.extend(arguments)

    given_ = ({"type": kind}, object(), object())
    asyncio.run(CompressionMiddleware(application)(*given_))  # type: ignore[arg-type]
    assert all(one is other for one, other in zip(seen, given_, strict=True))


def test_406_only_if_wanted_and_nothing_will_do() -> None:
    called: list[int] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        called.append(1)
        await answering(b"x")(scope, receive, send)

    strict = CompressionMiddleware(application, strict=True, codings=("gzip", "br"))
    refused = ask(strict, http_scope("identity;q=0, zstd"))
    assert refused.status == 406
    assert refused.fields["vary"] == "Accept-Encoding"
    assert refused.content() == b"This server sends content as it is, or with one of the codings gzip, br.\n"
    assert not called
    assert ask(strict, http_scope("identity;q=0, br")).status == 200
    assert ask(strict, http_scope(None)).status == 200
    assert ask(CompressionMiddleware(application), http_scope("*;q=0")).status == 200
    assert len(called) == 3


@settings(deadline=None, max_examples=60)
@given(
    pieces=st.lists(st.binary(max_size=600) | st.integers(0, 4000).map(text), min_size=1, max_size=8),
    accept=st.sampled_from(
        ["zstd", "br", "gzip", "deflate", "*", "identity", "gzip, identity;q=0", "br;q=0.1, zstd;q=0.2"]
    ),
    min_size=st.integers(0, 1000),
    declared=st.booleans(),
    thread_size=st.sampled_from([0, 1000, 10**6]),
)
def test_content_survives(pieces: list[bytes], accept: str, min_size: int, declared: bool, thread_size: int) -> None:
    content = b"".join(pieces)
    fields = [("content-type", "text/plain"), *([("content-length", str(len(content)))] if declared else [])]
    middleware = CompressionMiddleware(answering(*pieces, fields=fields), min_size=min_size, thread_size=thread_size)
    answer = ask(middleware, http_scope(accept))
    assert answer.content() == content
    assert len(answer.bodies) == len(pieces)
    if accept in available_codings():
        assert answer.coding in (accept, "identity")


def test_one_object_serves_many_loops_at_once() -> None:
    """In thread mode all workers call the same object."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await answering(*scope["pieces"])(scope, receive, send)

    middleware = CompressionMiddleware(application, thread_size=30_000)
    failed: list[str] = []
    start = threading.Barrier(4)

    async def one(source: random.Random) -> None:
        pieces = [text(source.randrange(40_000)) for _ in range(source.randrange(1, 5))]
        answer = Answer()
        scope = http_scope(source.choice(available_codings()), pieces=pieces)
        await middleware(scope, None, answer.send)  # type: ignore[arg-type]
        if answer.content() != b"".join(pieces):
            failed.append("other content")

    async def many(seed: int) -> None:
        source = random.Random(seed)
        await asyncio.gather(*(one(source) for _ in range(20)))

    def work(seed: int) -> None:
        start.wait(10)
        try:
            asyncio.run(many(seed))
        except Exception as error:  # noqa: BLE001 - shown below, in the thread of the test
            failed.append(repr(error))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_a_loop_that_is_not_asyncios_compresses_where_it_is() -> None:
    """trio and curio have no executor that could be asked for; here nothing runs at all."""
    answer = Answer()
    coroutine = CompressionMiddleware(answering(text(9000)), thread_size=0)(http_scope(), None, answer.send)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert answer.content() == text(9000)
