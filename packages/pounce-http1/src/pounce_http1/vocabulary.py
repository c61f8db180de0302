"""What heads are looked up in, one copy for each worker.

On free-threaded builds, even counting references to an object that other threads use makes threads wait for each other,
and so does comparing with a key that they share. So nothing that is used for every request is shared between workers.
"""

from __future__ import annotations

import itertools
import re
from typing import Final

from pounce_http1.field_lines import DECISIVE_NAMES
from pounce_http1.grammar import FIELD_LINES, TARGET_BYTES, USUAL_HOST
from pounce_http1.head import METHODS, HeaderFacts

__all__ = ["Names", "Vocabulary"]

_COMMON: Final = b"""
Accept Accept-Charset Accept-Encoding Accept-Language Access-Control-Request-Headers Access-Control-Request-Method
Authorization Cache-Control CF-Connecting-IP CF-Ray Content-Encoding Content-Type Cookie Date Device-Memory DNT
Forwarded From If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive Last-Event-ID
Max-Forwards Origin Pragma Priority Proxy-Authorization Proxy-Connection Range Referer Save-Data Sec-CH-UA
Sec-CH-UA-Arch Sec-CH-UA-Mobile Sec-CH-UA-Model Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site
Sec-Fetch-User Sec-GPC Sec-WebSocket-Extensions Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version
Traceparent Tracestate Upgrade-Insecure-Requests User-Agent Via X-Amzn-Trace-Id X-API-Key X-CSRF-Token X-Forwarded-For
X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto X-Real-IP X-Request-ID X-Requested-With
"""

_copies: Final = itertools.count()


class Names(dict[bytes, bytes]):
    """Usual spellings of common names -> lower case; any other token is lower-cased when it is looked up."""

    __slots__ = ()
    __missing__ = staticmethod(bytes.lower)  # a hit costs less, and a miss costs no call of a Python function


class Vocabulary:
    """Read-only.

    - ``methods``: see ``head.METHODS``. ``target_bytes``: see ``grammar.TARGET_BYTES``.
    - ``names``: field names as sent -> in lower case.
    - ``noted``: names in lower case of the fields that decide something, and the empty name that ``scan`` gives to what
      is no field line.
    - ``scan``: takes field lines apart; see ``grammar.FIELD_LINES``. ``is_usual_host``: see ``grammar.USUAL_HOST``.
    - ``plain``: the facts of an HTTP/1.1 request that says nothing but its host.
    """

    __slots__ = ("is_usual_host", "methods", "names", "noted", "plain", "scan", "target_bytes")

    def __init__(self) -> None:
        self.methods = {_copy(method): name for method, name in METHODS.items()}
        self.target_bytes = _copy(TARGET_BYTES)
        self.names = Names(
            (_copy(spelling), lower)
            for name in (*_COMMON.split(), *DECISIVE_NAMES)
            for lower in [_copy(name.lower())]
            for spelling in (name, name.title(), lower)
        )
        self.noted = frozenset({b"", *(self.names[name] for name in DECISIVE_NAMES)})
        # Bound here: to look up a method of a pattern costs as much as a short match.
        self.scan = _own(FIELD_LINES).findall
        self.is_usual_host = _own(USUAL_HOST).fullmatch
        self.plain = HeaderFacts("1.1", None, False, True)


def _copy(data: bytes) -> bytes:
    return bytes(bytearray(data))


def _own(pattern: re.Pattern[bytes]) -> re.Pattern[bytes]:
    """The same pattern as another object: ``copy()`` and ``compile()`` would give the one that is there."""
    return re.compile(b"%b(?#%d)" % (pattern.pattern, next(_copies)))
