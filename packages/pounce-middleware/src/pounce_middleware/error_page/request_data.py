"""What a page says of the request, without what its client keeps secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from pounce_asgi.headers import get, get_all
from pounce_middleware.error_page.redaction import HIDDEN, is_secret_name
from pounce_middleware.error_page.values import is_hidden, show

if TYPE_CHECKING:
    from pounce_middleware.error_page.redaction import Redaction

__all__ = ["BODY_SIZE", "RequestData", "note_request_secrets", "request_data"]

BODY_SIZE: Final = 16384
"""Bytes of the body that are kept, to be shown."""
MOST_PAIRS: Final = 100
LONGEST_VALUE: Final = 2000

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestData:
    """The request, as it is shown."""

    method: str
    url: str
    http_version: str
    client: str
    request_id: str
    headers: Pairs
    query: Pairs
    cookies: Pairs
    path_parameters: Pairs
    body: Pairs
    """The fields of a form or of a JSON object; or one pair, of which the name tells what it is."""


def note_request_secrets(scope: Any, body: bytes, redaction: Redaction) -> None:
    """Hide everywhere what the client has sent under the name of a secret."""
    for name, value in scope["headers"]:
        if is_secret_name(name.decode("latin-1")):
            redaction.add(value)
    for name, value in _query(scope):
        if is_secret_name(name):
            redaction.add(value)
    for _, value in _cookies(scope):
        redaction.add(value)
    fields = _fields(_content_type(scope), body)
    for name, value in fields.items() if isinstance(fields, dict) else ():
        if is_secret_name(name):
            redaction.add(value)


def request_data(scope: Any, body: bytes, redaction: Redaction) -> RequestData:
    """The request of an ``http`` or ``websocket`` scope; ``body`` is what is known of its body."""
    headers = scope["headers"]
    host = (get(headers, b"host") or b"").decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    url = f"{scope.get('scheme', 'http')}://{host}{scope['path']}" + (f"?{query}" if query else "")
    client = scope.get("client")
    state = scope.get("state") or {}
    return RequestData(
        method=str(scope.get("method", "WEBSOCKET")),
        url=redaction.text(url[:LONGEST_VALUE]),
        http_version=str(scope.get("http_version", "")),
        client=f"{client[0]}, port {client[1]}" if client else "over a UNIX socket",
        request_id=str(state.get("request_id") or ""),
        headers=_pairs([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers], redaction),
        query=_pairs(_query(scope), redaction),
        cookies=tuple((name, HIDDEN) for name, _ in _cookies(scope)),
        path_parameters=tuple(
            (str(name), show(value, redaction)) for name, value in (scope.get("path_params") or {}).items()
        ),
        body=_body(_content_type(scope), body, redaction),
    )


def _query(scope: Any) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope.get("query_string", b"").decode("latin-1"), True, max_num_fields=MOST_PAIRS)
    except ValueError:
        return []


def _cookies(scope: Any) -> list[tuple[str, str]]:
    """Names and values (RFC 6265, 4.2.1). A value is hidden whatever its name: nearly all of them are identities."""
    lines = b"; ".join(get_all(scope["headers"], b"cookie")).decode("latin-1")
    pairs = [part.strip().partition("=") for part in lines.split(";") if part.strip()]
    return [(name, value) for name, _, value in pairs][:MOST_PAIRS]


def _pairs(pairs: list[tuple[str, str]], redaction: Redaction) -> Pairs:
    return tuple(
        (name[:LONGEST_VALUE], HIDDEN if value and is_secret_name(name) else redaction.text(value[:LONGEST_VALUE]))
        for name, value in pairs[:MOST_PAIRS]
    )


def _content_type(scope: Any) -> str:
    return (get(scope["headers"], b"content-type") or b"").decode("latin-1").lower()


def _fields(content_type: str, body: bytes) -> object:
    """What a body of JSON holds, or the fields of a form; None for another one, or one that is not well formed."""
    text = body.decode("utf-8", "replace")
    try:
        if "json" in content_type:
            return json.loads(text)
        if content_type.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(text, True, max_num_fields=MOST_PAIRS))
    except (ValueError, RecursionError):
        pass
    return None


def _body(content_type: str, body: bytes, redaction: Redaction) -> Pairs:
    if not body:
        return ()
    fields = _fields(content_type, body)
    if isinstance(fields, dict):
        return tuple(
            (name[:LONGEST_VALUE], HIDDEN if is_hidden(name, one) else show(one, redaction))
            for name, one in islice(fields.items(), MOST_PAIRS)
        )
    if fields is not None:
        return (("JSON", show(fields, redaction)),)
    if "json" in content_type or content_type.startswith("text/"):
        return (("text", redaction.text(body.decode("utf-8", "replace")[:LONGEST_VALUE])),)
    return (("first bytes", f"{len(body):,}"),)
