"""The ways to serve in which foreign clients are tried: every kind of worker, over TLS and without it."""

from __future__ import annotations

import sys
from typing import Final

from pounce_testing import WORKER_KINDS, Variant
from pounce_testing.fixtures import over

__all__ = [
    "everywhere",
    "in_the_clear",
    "over_http3",
    "over_tls",
    "takes_upgrades",
    "upgraded_or_not",
    "websockets_everywhere",
    "websockets_over_tls",
    "where_upgrades_are_taken",
]

PLAIN: Final = Variant(name="clear")
TLS: Final = Variant(name="tls", settings={"tls": True}, needs=("cryptography",))
UPGRADED: Final = Variant(name="upgrade", settings={"h2_upgrade": True})

# A client cannot tell one event loop from another; where that matters there are tests with both.
KINDS: Final = [kind for kind in WORKER_KINDS if kind.name != "uvloop"]
IN_THE_CLEAR: Final = [kind & PLAIN for kind in KINDS]
OVER_TLS: Final = [kind & TLS for kind in KINDS]

ENGINE: Final = "qh3" if sys.version_info >= (3, 14) else "aioquic"
"""The QUIC of the server."""
HTTP3: Final = Variant(name="h3", settings={"tls": True, "http3": True}, needs=("cryptography", ENGINE))
OVER_HTTP3: Final = [kind & HTTP3 for kind in KINDS]


def takes_upgrades(way: Variant) -> bool:
    """Whether ``Upgrade: h2c`` is taken, which somebody has to want. Threads that serve one request at a time have
    begun with that request when they see it, and ignore it, which they may (RFC 9110, 7.8).
    """
    if not way.settings.get("h2_upgrade", False):
        return False
    return not way.tls and not way.blocking and way.settings.get("worker_mode") != "sync"


in_the_clear = over(IN_THE_CLEAR)
over_tls = over(OVER_TLS)
over_http3 = over(OVER_HTTP3)
everywhere = over(IN_THE_CLEAR + OVER_TLS)
upgraded_or_not = over([kind & UPGRADED for kind in KINDS] + IN_THE_CLEAR)
where_upgrades_are_taken = over([way for kind in KINDS if takes_upgrades(way := kind & UPGRADED)])

# Workers without an event loop serve applications that cannot speak WebSocket.
websockets_over_tls = over([way for way in OVER_TLS if not way.blocking])
websockets_everywhere = over([way for way in IN_THE_CLEAR + OVER_TLS if not way.blocking])
