"""What answers plain HTTP beside a server that speaks TLS: it sends every request to the same place over HTTPS.

308 keeps the method and the body of a request (RFC 9110, 15.4.9). The host is the one that the client asked
for, so it has to be one: whatever else a Host field may hold never becomes part of the answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_from_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["HttpsRedirect"]

HTTPS_PORT: Final = 443

# RFC 9110, 7.2: Host = uri-host [ ":" port ]. Of the reg-name (RFC 3986, 3.2.2) only what names of hosts consist of,
# and underscores.
_HOST: Final = re.compile(rb"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")

# What a path or a query may hold as it is (RFC 3986, 3.3 and 3.4), and the per cent sign of what is encoded already.
_SAFE: Final = "/%:@!$&'()*+,;=~"


class HttpsRedirect:
    """An ASGI application. ``port`` is the one of the server that speaks TLS, as clients see it."""

    def __init__(self, port: int = HTTPS_PORT) -> None:
        self._port = b"" if port == HTTPS_PORT else b":%d" % port

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request. There is no lifespan, and a WebSocket is refused: clients follow no redirect of those."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "use wss"})
        elif scope["type"] == "http":
            location = self.location(scope)
            if location is None:
                await _answer(
                    send, 400, b"This port sends clients to HTTPS, for which a request has to name one host.\n"
                )
            else:
                await _answer(send, 308, b"", location)
        else:
            raise NotImplementedError(f"there is nothing to do for {scope['type']!r}")

    def location(self, scope: Mapping[str, Any]) -> bytes | None:
        """The same place over HTTPS; None when the request does not name a host, or names several."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = _HOST.fullmatch(hosts[0].strip(b" \t")) if len(hosts) == 1 else None
        if host is None:
            return None
        path = _encoded(scope.get("raw_path") or scope["path"].encode(), _SAFE)
        query = _encoded(scope.get("query_string", b""), _SAFE + "?")
        # Of "*" (RFC 9112, 3.2.4) and what else is no path the server alone is left.
        place = path if path.startswith(b"/") else b"/"
        return b"https://" + host[1] + self._port + place + (b"?" + query if query else b"")


def _encoded(octets: bytes, safe: str) -> bytes:
    return quote_from_bytes(octets, safe).encode("ascii")


async def _answer(
    send: Callable[[dict[str, Any]], Awaitable[None]], status: int, body: bytes, location: bytes | None = None
) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    if location is not None:
        headers.append((b"location", location))
    if body:
        headers.append((b"content-type", b"text/plain; charset=utf-8"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
