"""Each attack of `benchmarks.attacks` for a moment: others are served during it, and nothing is left of it.

What it costs a good client is measured there; here it is only that it is served.
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

from benchmarks import attack_clients
from benchmarks.attack_app import app
from benchmarks.attack_clients import ATTACKS, Ports
from benchmarks.quic_client import can_speak_quic
from pounce_testing import TestServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 0.15
PATIENCE = 20.0
NEED_QUIC = ("QUIC", "HTTP/3")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[TestServer, TestServer]]:
    http3 = can_speak_quic()
    with (
        TestServer(app, rate_limit="1000000/s", rate_limit_key="x-key") as clear,
        TestServer(app, tls=True, http3=http3) as secure,
    ):
        yield clear, secure


# Attackers that are cancelled leave what they have begun as it is.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_good_client_is_served_during_each(
    servers: tuple[TestServer, TestServer], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(attack_clients, "SLOW", 50)
    monkeypatch.setattr(attack_clients, "RAMP", 0.05)
    caplog.set_level(logging.ERROR)
    clear, secure = servers
    ports = Ports(clear=clear.port, tls=secure.port, quic=secure.quic_port if can_speak_quic() else 0)
    for name, attack in ATTACKS.items():
        if name.startswith(NEED_QUIC) and not can_speak_quic():
            continue
        attacked = secure if name.startswith(NEED_QUIC) or name.endswith("TLS") else clear

        async def scenario(attack: object = attack, attacked: TestServer = attacked) -> int:
            attacking = asyncio.ensure_future(attack(ports))  # type: ignore[operator]
            served = 0
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline or not served:
                served += await asyncio.wait_for(ask(attacked), PATIENCE)
                assert not attacking.done(), attacking.exception()
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
def test_nothing_is_left_of_them(servers: tuple[TestServer, TestServer]) -> None:
    """Every connection that they had is closed."""

    def connections() -> int:
        links = Path(f"/proc/{os.getpid()}/fd").iterdir()
        count = 0
        for link in links:
            with contextlib.suppress(OSError):
                count += str(link.readlink()).startswith("socket:")
        return count

    deadline = time.monotonic() + PATIENCE
    while (left := connections()) > 40:
        assert time.monotonic() < deadline, f"{left} sockets"
        time.sleep(0.05)
