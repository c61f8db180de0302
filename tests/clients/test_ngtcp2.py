"""gtlsclient, the client of ngtcp2 and nghttp3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.clients.programs import run_program
from tests.clients.site import LARGE
from tests.clients.ways import over_http3

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_testing import TestServer

QUIET = ("--quiet", "--no-quic-dump", "--no-http-dump", "--exit-on-all-streams-close", "--timeout=20s")


@over_http3
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--key-update=50ms",),
        ("--change-local-addr=50ms",),
        ("--tx-loss=0.05", "--rx-loss=0.05"),
        ("--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305",),
    ],
    ids=["plain", "new keys", "migration", "losses", "ChaCha20"],
)
def test_downloads(gtlsclient: str, site: TestServer, tmp_path: Path, options: tuple[str, ...]) -> None:
    base, port = f"https://localhost:{site.quic_port}", str(site.quic_port)
    urls = [f"{base}/bytes/{len(LARGE)}", f"{base}/told", f"{base}/bytes/100"]
    run_program(gtlsclient, *QUIET, *options, f"--download={tmp_path}", "127.0.0.1", port, *urls)
    assert json.loads((tmp_path / "told").read_bytes()) == {"method": "GET", "path": "/told", "http_version": "3"}
    assert (tmp_path / str(len(LARGE))).read_bytes() == LARGE
    assert (tmp_path / "100").read_bytes() == LARGE[:100]


@over_http3
def test_an_upload_comes_back(gtlsclient: str, site: TestServer, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(LARGE[:500_000])
    url, port = f"https://localhost:{site.quic_port}/echo", str(site.quic_port)
    options = ("--http-method=POST", f"--data={upload}", f"--download={tmp_path}")
    run_program(gtlsclient, *QUIET, *options, "127.0.0.1", port, url)
    assert (tmp_path / "echo").read_bytes() == LARGE[:500_000]
