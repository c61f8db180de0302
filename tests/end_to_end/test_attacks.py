"""Each attack of `benchmarks.attacks` for a moment: others are served, whoever goes too far is sent away.

What it costs a good client is measured there; here it is only that it is served. All of them meet the same two
servers, so what one leaves behind is in the way of the next, and in the end nothing is left. How a connection ends,
and with which code, is in `test_attack_ends`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.attacks import pressure
from benchmarks.attacks.app import app
from benchmarks.attacks.attack import Ports
from benchmarks.attacks.catalogue import ATTACKS, lacking
from benchmarks.quic_client import can_speak_quic
from pounce_asgi.lifecycle import LimitHit
from pounce_asgi.listeners import Listeners, Subscriber
from pounce_testing import TestServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.attacks.attack import Attack

SECONDS = 0.1
PATIENCE = 30.0
SENT_AWAY = {
    "HTTP/3 rapid reset": "flood:resets",
    "HTTP/3 QPACK bomb": "limit_request_header_size",
    "HTTP/3 empty DATA": "flood:chores",
    "HTTP/3 priorities": "flood:chores",
    "HTTP/3 unknown frames": "flood:chores",
}
"""The limit that ends such a connection, or refuses such a request. For those over TCP see `test_attack_ends`."""


@pytest.fixture(scope="module")
def hit() -> set[str]:
    """Limits that somebody has hit. A worker's thread adds to it; looking for one name needs no lock."""
    return set()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, hit: set[str]) -> Iterator[tuple[TestServer, TestServer]]:
    """With all that any of the attacks is about."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "file").write_bytes(bytes(1 << 20))
    listeners = Listeners.of(Subscriber(lambda record: hit.add(record.limit), LimitHit))
    with (
        TestServer(
            app,
            listeners=listeners,
            static=(f"/files={folder}",),
            compress=True,
            proxy_headers=True,
            forwarded_allow_ips=("127.0.0.1",),
            rate_limit="1/min",
            rate_limit_burst=1_000_000,
        ) as clear,
        TestServer(app, listeners=listeners, tls=True, http3=can_speak_quic()) as secure,
    ):
        yield clear, secure


def sockets() -> int:
    """Sockets that this process has, clients' ends too."""
    count = 0
    for link in Path(f"/proc/{os.getpid()}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(link.readlink()).startswith("socket:")
    return count


@pytest.fixture(scope="module")
def sockets_before(servers: tuple[TestServer, TestServer]) -> int:
    return sockets() if sys.platform == "linux" else 0


# Attackers that are cancelled leave what they have begun as it is.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_good_client_is_served_during_each(
    servers: tuple[TestServer, TestServer],
    hit: set[str],
    sockets_before: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(pressure, "SLOW", 50)
    monkeypatch.setattr(pressure, "RAMP", 0.05)
    caplog.set_level(logging.ERROR)
    clear, secure = servers
    ports = Ports(clear=clear.port, tls=secure.port, quic=secure.quic_port if can_speak_quic() else 0)
    for name, attack in ATTACKS.items():
        if attack.root or lacking(attack) is not None:
            continue

        async def scenario(attack: Attack = attack, name: str = name) -> int:
            attacking = asyncio.ensure_future(attack.run(ports))
            served = 0
            limit = SENT_AWAY.get(name)
            hit.clear()
            began = time.monotonic()
            while (gone := time.monotonic() - began) < SECONDS or not served or (limit and limit not in hit):
                assert gone < PATIENCE, f"{name}: {limit} was not hit, but {hit}"
                served += await asyncio.wait_for(ask(secure if attack.secure else clear), PATIENCE)
                assert not attacking.done(), f"{name}: {attacking.exception()!r}"
                await asyncio.sleep(0.01)
            attacking.cancel()
            await asyncio.gather(attacking, return_exceptions=True)
            return served

        assert asyncio.run(scenario()) > 0, name
    gc.collect()  # here, where it is expected: it would be an error of whatever test comes next
    faults = [one for one in caplog.records if one.exc_info and one.name.startswith("pounce")]
    assert [one.getMessage() for one in faults] == []


async def ask(server: TestServer) -> bool:
    reader, writer = await asyncio.open_connection(
        server.host,
        server.port,
        ssl=server.client_context(),
        server_hostname=server.host if server.client_context() else None,
    )
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"ok")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_nothing_is_left_of_them(sockets_before: int) -> None:
    """Every connection that they had is closed."""
    deadline = time.monotonic() + PATIENCE
    while (left := sockets()) > sockets_before:
        assert time.monotonic() < deadline, f"{left} sockets, {sockets_before} before"
        time.sleep(0.05)
