"""A server in several places at once, as its clients reach it and as the application is told of it."""

from __future__ import annotations

import json
import socket
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pounce_testing.fixtures import in_the_clear
from tests.end_to_end import applications

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing.fixtures import Serve

needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, because that of a UNIX socket may have about 100 bytes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


def ask(sock: socket.socket) -> Any:
    """The addresses of client and server, as the application is told of them."""
    with sock:
        sock.settimeout(20)
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        body = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")[2]
        seen = json.loads(body)
        return [seen["client"], seen["server"]]


def ask_over_tcp(host: str, port: int) -> None:
    """Both addresses are those that the client sees, at the other ends."""
    sock = socket.create_connection((host, port), 20)
    ours = sock.getsockname()[:2]
    assert ask(sock) == [list(ours), [host, port]]


def ask_over_unix(path: Path) -> None:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    assert ask(sock) == [None, [str(path), None]]


@in_the_clear
@needs_ipv6
def test_several_places_with_one_free_port(serve: Serve, folder: Path) -> None:
    server = serve(
        applications.REPORT,
        bind=["127.0.0.1:0", "[::1]:0", f"unix:{folder}/a", f"unix:{folder}/b"],
        uds_permissions="660",
    )
    ask_over_tcp("127.0.0.1", server.port)
    ask_over_tcp("::1", server.port)
    for name in ("a", "b"):
        ask_over_unix(folder / name)
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o660


@in_the_clear
@needs_ipv6
@pytest.mark.parametrize("place", [{"host": "::"}, {"bind": [":0"]}], ids=["host", "bind"])
def test_every_address_of_both_families(serve: Serve, place: dict[str, Any]) -> None:
    server = serve(applications.REPORT, **place)
    ask_over_tcp("127.0.0.1", server.port)
    ask_over_tcp("::1", server.port)


@in_the_clear
@needs_ipv6
def test_each_family_on_a_socket_of_its_own(serve: Serve) -> None:
    server = serve(applications.REPORT, bind=["0.0.0.0:0", "[::]:0"])
    ask_over_tcp("127.0.0.1", server.port)
    ask_over_tcp("::1", server.port)
