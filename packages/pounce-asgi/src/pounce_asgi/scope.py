"""The ASGI ``http`` scope of a request (ASGI HTTP sub-specification 2.5, HTTP connection scope). Hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from pounce_asgi.contracts import RequestHead
    from pounce_asgi.exchange_context import ExchangeContext, Peer

__all__ = ["ASGI_VERSION", "HTTP_EXTENSIONS", "SPEC_VERSION", "build_http_scope"]

ASGI_VERSION: Final = "3.0"
SPEC_VERSION: Final = "2.5"

HTTP_EXTENSIONS: Final[dict[str, dict[str, Any]]] = {
    "http.response.early_hint": {},
    "http.response.trailers": {},
    "http.response.pathsend": {},
    "http.response.zerocopysend": {},
}
"""The response extensions of every wire that can send them all."""


def build_http_scope(head: RequestHead, context: ExchangeContext[Any], peer: Peer) -> dict[str, Any]:
    """A fresh scope: the application may change every dictionary and list in it.

    ``path`` is decoded from percent-encoding and UTF-8; bytes that are not UTF-8 become U+FFFD.

    ``path`` and ``raw_path`` begin with ``root_path``, as frameworks expect since ASGI defined ``root_path`` as a
    prefix of ``path``.
    """
    raw_path = head.raw_path
    path = raw_path.decode("ascii", "replace")
    if "%" in path:
        path = unquote(path)
    root_path = context.root_path
    if root_path:
        path = root_path + path
        raw_path = context.raw_root_path + raw_path
    extensions = context.extensions.copy()
    if peer.tls is not None:
        extensions["tls"] = dict(peer.tls)
    return {
        "type": "http",
        "asgi": {"version": ASGI_VERSION, "spec_version": SPEC_VERSION},
        "http_version": head.http_version,
        "method": head.method,
        "scheme": peer.scheme,
        "path": path,
        "raw_path": raw_path,
        "query_string": head.query_string,
        "root_path": root_path,
        "headers": [*head.headers],
        "client": peer.client,
        "server": peer.server,
        "state": context.state.copy(),
        "extensions": extensions,
    }
