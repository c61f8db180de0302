"""Ways to make a tunnel of a proxy: HTTP/2 that begins within HTTP/1.1, by an upgrade or by its preface.

What a client says in a tunnel, the proxy does not read, and its rules do not hold for. Each case asks for a request of
its own first, so that it can be seen to have come as far as the server, and for one of HTTP/2 behind it.
"""

from __future__ import annotations

from typing import Final

from tests.smuggling.corpus import OWN, Case
from tests.smuggling.http2_corpus import PREFACE, request

__all__ = ["TUNNELS", "UPGRADES"]

SETTINGS: Final = b"HTTP2-Settings: AAMAAABkAAQAAP__"
HIDDEN: Final = PREFACE + request(3, {b":method": b"GET", b":path": b"/second/TOKEN"}, [], None)

ASKED: Final = {
    "h2c": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", SETTINGS),
    "upper": (b"CONNECTION: UPGRADE, HTTP2-SETTINGS", b"UPGRADE: H2C", SETTINGS),
    "two-lines": (b"Connection: Upgrade", b"Connection: HTTP2-Settings", b"Upgrade: h2c", SETTINGS),
    "keep-alive": (b"Connection: keep-alive, Upgrade, HTTP2-Settings", b"Upgrade: h2c", SETTINGS),
    "not-named": (b"Connection: Upgrade", b"Upgrade: h2c", SETTINGS),
    "after-another": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: websocket, h2c", SETTINGS),
    "before-another": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c, websocket", SETTINGS),
    "two-upgrades": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: websocket", b"Upgrade: h2c", SETTINGS),
    "forwarding-fields-to-be-dropped": (
        b"Connection: Upgrade, HTTP2-Settings, X-Forwarded-For, X-Forwarded-Proto, Via, Forwarded, X-Real-IP",
        b"Upgrade: h2c",
        SETTINGS,
    ),
}

PREFACES: Final = {
    "alone": b"",
    "with-host": b"Host: first\r\n",
    "with-length": b"Host: first\r\nContent-Length: 6\r\n",
    "with-chunks": b"Host: first\r\nTransfer-Encoding: chunked\r\n",
    "with-upgrade": b"Host: first\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + SETTINGS + b"\r\n",
}

LINE, REST = b"PRI * HTTP/2.0\r\n", HIDDEN.removeprefix(b"PRI * HTTP/2.0\r\n")

UPGRADES: Final = tuple(
    Case(name=f"tunnel/{name}", wire=OWN + b"\r\n".join([*lines, b"", b""]) + HIDDEN) for name, lines in ASKED.items()
)

TUNNELS: Final = (
    *UPGRADES,
    *(Case(name=f"preface/{name}", wire=LINE + lines + REST) for name, lines in PREFACES.items()),
    Case(name="preface/1.1", wire=HIDDEN.replace(b"HTTP/2.0", b"HTTP/1.1", 1)),
    Case(name="preface/lower", wire=HIDDEN.replace(b"PRI * HTTP/2.0", b"PRI * http/2.0", 1)),
    Case(name="preface/line-first", wire=b"\r\n" + HIDDEN),
    Case(name="preface/absolute", wire=HIDDEN.replace(b"PRI *", b"PRI http://first/*", 1)),
    Case(name="preface/after-a-request", wire=OWN + b"\r\n" + HIDDEN),
    Case(name="preface/after-connect", wire=b"CONNECT first:80 HTTP/1.1\r\nHost: first:80\r\n\r\n" + HIDDEN),
    Case(name="preface/in-a-body", wire=OWN + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN),
)
"""With those of the preface. A proxy that speaks HTTP/2 may answer some of them itself."""
