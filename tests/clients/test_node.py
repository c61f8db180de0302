"""Node's own client for HTTP/2."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.clients.programs import run_program
from tests.clients.site import LARGE
from tests.clients.ways import everywhere

if TYPE_CHECKING:
    from pounce_testing import TestServer, Variant

SCRIPT: Final = Path(__file__).parent / "http2_client.mjs"
STREAMS: Final = 50

FRAMES: Final = b"\x81\x012" + b"\x81\x05Hello" + b"\x82\x02\x00\xff" + b"\x88\x02\x10\xe1"
"""The version of HTTP, the echoes of a text and of bytes, the goodbye with the client's code."""


@everywhere
def test_one_connection(node: str, site: TestServer, variant: Variant, authority: str) -> None:
    websocket = () if variant.blocking else ("websocket",)
    out = run_program(node, str(SCRIPT), site.url, authority, str(len(LARGE)), str(STREAMS), *websocket)
    seen: dict[str, Any] = json.loads(out)
    assert seen["alpn"] == ("h2" if variant.tls else "h2c")
    assert seen["told"] == {"method": "GET", "path": "/told", "http_version": "2"}
    assert seen["echo"] == [200, True]
    assert seen["download"] == hashlib.sha256(LARGE).hexdigest()
    assert seen["parallel"] == [[200, 1000 + number] for number in range(STREAMS)]
    assert seen["connectProtocol"] is not variant.blocking
    if websocket:
        assert seen["websocket"] == [200, FRAMES.hex()]
