"""Ambiguous requests through real proxies: no two readings of one connection, and nobody's request but one's own.

Each proxy marks each request that it has read. What reaches the application must have exactly one mark, and no two the
same: then proxy and server have counted alike. What each client gets back must be its own.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from pounce_testing import TestServer
from tests.smuggling.attackers import Conversation, attack, complaints
from tests.smuggling.careless import careless_server
from tests.smuggling.corpus import CORPUS
from tests.smuggling.http2_corpus import HTTP2_CORPUS
from tests.smuggling.proxies import PROXIES, SILENT, Proxy, running
from tests.smuggling.tunnels import TUNNELS, UPGRADES
from tests.smuggling.witness import Request, Witness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.smuggling.corpus import Case

OWN, SECOND = b"{seen /own/k0000 by one}", b"{seen /second/k0000 by two}"
CANARY = b"{seen /canary/w0000 by three}"


def program_of(proxy: Proxy) -> str:
    found = proxy.find()
    if found is None:
        if os.environ.get("CI") == "true" and os.geteuid() == 0 and "CLIENTS_NOT_INSTALLED" not in os.environ:
            pytest.fail(f"{proxy.program} is not installed, and .ci/run installs it")
        pytest.skip(f"{proxy.program.upper()} IS NOT INSTALLED: this test has not run")
    return found


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.name)
def test_proxy_and_server_read_the_same_requests(proxy: Proxy, tmp_path: Path) -> None:
    program = program_of(proxy)
    witness = Witness()
    with TestServer(witness) as server, running(proxy, program, server.port, tmp_path) as ports:
        talks = asyncio.run(attack(ports.http1, [(case.name, case.wire) for case in CORPUS]))
        assert list(complaints(talks, witness.requests)) == []
        # It was an attack: much of it went through, and was answered one way or the other.
        assert len({talk.name for talk in talks if talk.answers}) > 100
        witness.requests.clear()

        wires = [(case.name, case.wire) for case in HTTP2_CORPUS]
        talks = asyncio.run(attack(ports.http2, wires, victims_at=ports.http1))
        assert list(complaints(talks, witness.requests)) == []
        assert len({talk.name for talk in talks if talk.answers}) > 5


@pytest.mark.parametrize("proxy", [*PROXIES, *SILENT], ids=lambda proxy: proxy.name)
def test_no_client_makes_a_tunnel_of_a_proxy(proxy: Proxy, tmp_path: Path) -> None:
    """Not by an upgrade, and not with the preface, whether the proxy has said that it is there or not."""
    told, answered = tunnel(proxy, tmp_path, TUNNELS)
    assert told == []
    assert answered >= len(UPGRADES) // 2, "they went through, and were answered over HTTP/1.1"


# Apache never lets Connection name HTTP2-Settings, without which nobody follows (RFC 7540, 3.2.1).
LED_AROUND = [proxy for proxy in SILENT if proxy.program != "apache2"]


@pytest.mark.parametrize("proxy", LED_AROUND, ids=lambda proxy: proxy.name)
def test_a_server_that_follows_upgrades_lets_clients_pass_a_silent_proxy(proxy: Proxy, tmp_path: Path) -> None:
    """Why it does not unless it is told to, and that the test above is able to fail."""
    told, _ = tunnel(proxy, tmp_path, UPGRADES, h2_upgrade=True)
    assert any("came over HTTP/2" in one for one in told)


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.name)
def test_a_server_that_follows_upgrades_sees_a_proxy_that_says_so(proxy: Proxy, tmp_path: Path) -> None:
    told, _ = tunnel(proxy, tmp_path, UPGRADES, h2_upgrade=True)
    assert told == []


def tunnel(proxy: Proxy, folder: Path, cases: Sequence[Case], **settings: Any) -> tuple[list[str], int]:
    """What is to be complained of, and how many of the cases got an answer of the application."""
    program, witness = program_of(proxy), Witness()
    with TestServer(witness, **settings) as server, running(proxy, program, server.port, folder) as ports:
        talks = asyncio.run(attack(ports.http1, [(case.name, case.wire) for case in cases], victims=3))
    return list(complaints(talks, witness.requests)), len({talk.name for talk in talks[: len(cases)] if talk.answers})


def test_a_careless_server_is_found_out(tmp_path: Path) -> None:
    """That the test above is able to fail."""
    proxy = next(one for one in PROXIES if one.name == "haproxy")
    program = program_of(proxy)
    cases = [case for case in CORPUS if case.name in ("te-only/plain", "chunks/inside-of-data", "chunks/trailer")]
    requests: list[Request] = []
    with careless_server(requests) as port, running(proxy, program, port, tmp_path) as ports:
        talks = asyncio.run(attack(ports.http1, [(case.name, case.wire) for case in cases], victims=3))
    told = list(complaints(talks, requests))
    assert any("reached the server and the proxy knows 0 of it" in one for one in told), told


@pytest.mark.parametrize(
    ("received", "requests", "expected"),
    [
        ([OWN], [Request(b"/own/k0000", (b"one",), "1.1")], ""),
        ([OWN], [Request(b"/own/k0000", (), "1.1")], "knows 0 of it"),
        ([OWN], [Request(b"/own/k0000", (b"one", b"two"), "1.1")], "knows 2 of it"),
        ([OWN], [Request(b"/own/k0000", (b"one",), "1.1"), Request(b"/second/k0000", (b"one",), "1.1")], "came twice"),
        ([OWN], [Request(b"/own/k0000", (b"one",), "2")], "came over HTTP/2"),
        ([OWN], [Request(b"/own/k0000", (b"one",), "1.1", bytearray(b"GET /canary/"))], "in its body"),
        ([OWN + OWN], [Request(b"/own/k0000", (b"one",), "1.1")], "an answer twice"),
        ([OWN], [], "an answer to nothing"),
        ([OWN, SECOND], [Request(b"/own/k0000", (b"one",), "1.1")], "did not get its answer"),
        ([OWN, b""], [Request(b"/own/k0000", (b"one",), "1.1")], "did not get its answer"),
        ([CANARY], [Request(b"/canary/w0000", (b"three",), "1.1")], "got what was for"),
    ],
)
def test_what_is_complained_of(received: list[bytes], requests: list[Request], expected: str) -> None:
    tokens = [b"k0000", b"w0000"]
    talks = [Conversation("one", token, bytearray(data)) for token, data in zip(tokens, received, strict=False)]
    if expected == "got what was for":
        talks.append(Conversation("two", b"w0000", bytearray(CANARY)))
    told = "\n".join(complaints(talks, requests))
    assert expected in told
    assert bool(told) == bool(expected)
