"""nghttp and h2load, the clients of nghttp2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.clients.programs import run_program
from tests.clients.site import LARGE
from tests.clients.ways import everywhere, where_upgrades_are_taken

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_testing import TestServer

STREAMS = 100
REQUESTS = 500

STATISTICS = re.compile(r"^ *\d+ +\+\S+ +\+\S+ +\S+ +(\d{3}) +(\S+) /\S*$", re.MULTILINE)
"""A line of ``nghttp --stat``: the number of the stream, three times, the status, the size and the path."""


# nghttp


@everywhere
def test_a_hundred_streams_of_one_connection(nghttp: str, site: TestServer) -> None:
    out = run_program(nghttp, "--null-out", "--stat", f"--multiply={STREAMS}", f"{site.url}/bytes/500").decode()
    assert STATISTICS.findall(out) == [("200", "500")] * STREAMS


@everywhere
@pytest.mark.parametrize("bits", [10, 30], ids=["small-windows", "large-windows"])
def test_a_download(nghttp: str, site: TestServer, bits: int) -> None:
    size = 300_000 if bits == 10 else len(LARGE)
    windows = (f"--window-bits={bits}", f"--connection-window-bits={max(bits, 16)}")
    assert run_program(nghttp, *windows, f"{site.url}/bytes/{size}") == LARGE[:size]


@everywhere
@pytest.mark.parametrize("options", [(), ("--padding=255",), ("--trailer=x-checked: yes",)], ids=str)
def test_an_upload_comes_back(nghttp: str, site: TestServer, tmp_path: Path, options: tuple[str, ...]) -> None:
    file = tmp_path / "upload"
    file.write_bytes(LARGE)
    assert run_program(nghttp, *options, f"--data={file}", f"{site.url}/echo") == LARGE


@where_upgrades_are_taken  # without them it gives up: it speaks nothing but HTTP/2
def test_an_upgrade(nghttp: str, site: TestServer) -> None:
    out = run_program(nghttp, "--upgrade", "--multiply=3", f"{site.url}/bytes/1000")
    assert out == LARGE[:1000] * 3


# h2load


@everywhere
@pytest.mark.parametrize(("clients", "streams"), [(1, STREAMS), (8, 10)])
def test_load_without_failures(h2load: str, site: TestServer, clients: int, streams: int) -> None:
    numbers = (f"--requests={REQUESTS}", f"--clients={clients}", f"--max-concurrent-streams={streams}")
    assert_no_failures(run_program(h2load, *numbers, f"{site.url}/bytes/2000").decode(), site, REQUESTS)


@everywhere
def test_uploads_without_failures(h2load: str, site: TestServer, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(LARGE[:100_000])
    numbers = ("--requests=100", "--clients=2", "--max-concurrent-streams=20")
    assert_no_failures(run_program(h2load, *numbers, f"--data={file}", f"{site.url}/digest").decode(), site, 100)


def assert_no_failures(told: str, site: TestServer, count: int) -> None:
    assert f"Application protocol: {'h2' if site.config.tls.enabled else 'h2c'}\n" in told, told
    done = f"requests: {count} total, {count} started, {count} done, {count} succeeded, 0 failed, 0 errored, 0 timeout"
    assert done in told, told
    assert f"status codes: {count} 2xx, 0 3xx, 0 4xx, 0 5xx" in told, told
