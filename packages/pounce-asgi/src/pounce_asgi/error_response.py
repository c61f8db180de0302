"""The answer that the server gives in place of the application: a status and one line of plain text."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.contracts import BodyFraming, HeaderPair, ResponseSink, WireFields
from pounce_asgi.response_rules import allows_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.exchange_context import ExchangeContext

__all__ = ["send_error_response"]

# RFC 9110 renamed some; the standard library follows from Python 3.13 on, and our answers in all versions.
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def send_error_response(
    context: ExchangeContext[WireFields],
    sink: ResponseSink[Any],
    status: int,
    detail: str = "",
    *,
    method: str = "GET",
    close: bool,
    fields: Sequence[HeaderPair] = (),
) -> int:
    """Answer with ``status`` and, besides the usual ones, these fields; returns the number of body bytes sent.

    ``detail`` is shown to the client, so it may hold nothing but what the client itself sent or may know. ``close``
    ends the connection after the answer.
    """
    phrase = _PHRASES.get(status, "Error")
    text = f"{status} {phrase}\n{detail}\n" if detail else f"{status} {phrase}\n"
    body = text.encode("utf-8", "replace")
    memo = context.header_memo
    rendered = (
        memo[b"content-type", b"text/plain; charset=utf-8"][1]
        + memo[b"content-length", b"%d" % len(body)][1]
        + context.default_fields()
    )
    for field in fields:
        rendered += memo[field][1]
    if allows_body(method, status):
        sink.send_head(status, rendered, BodyFraming.LENGTH, body, end=True, close=close)
        return len(body)
    sink.send_head(status, rendered, BodyFraming.NONE, b"", end=True, close=close)
    return 0
