"""The table of a response: which message is legal in which state. What is not here is an application's mistake."""

from __future__ import annotations

from typing import Final

from pounce_asgi.response_files import on_path, on_zero_copy
from pounce_asgi.response_messages import (
    ignore,
    on_body,
    on_early_hint,
    on_first_body,
    on_start,
    on_trailers,
    refuse_gone,
)
from pounce_asgi.response_states import (
    AWAITING_START,
    AWAITING_TRAILERS,
    COMPLETE,
    FAILED,
    GONE,
    HEAD_HELD,
    STREAMING,
    Handler,
    ResponseState,
)

__all__ = ["HANDLERS"]

_BODY_MESSAGES: Final = (
    "http.response.body",
    "http.response.pathsend",
    "http.response.zerocopysend",
    "http.response.early_hint",
    "http.response.trailers",
)

HANDLERS: Final[dict[ResponseState, dict[str, Handler]]] = {
    AWAITING_START: {
        "http.response.start": on_start,
        # The extension places hints after the start; other servers take them before it too, where they are as useful.
        "http.response.early_hint": on_early_hint,
    },
    HEAD_HELD: {
        "http.response.body": on_first_body,
        "http.response.pathsend": on_path,
        "http.response.zerocopysend": on_zero_copy,
        "http.response.early_hint": on_early_hint,
    },
    STREAMING: {
        "http.response.body": on_body,
        "http.response.pathsend": on_path,
        "http.response.zerocopysend": on_zero_copy,
        # The head is out: a 103 cannot follow it, and the extension lets a server ignore hints.
        "http.response.early_hint": ignore,
    },
    AWAITING_TRAILERS: {"http.response.trailers": on_trailers},
    # The specification ignores what follows the end of a response; a second start is a mistake all the same.
    COMPLETE: dict.fromkeys(_BODY_MESSAGES, ignore),
    FAILED: {},
    GONE: dict.fromkeys(("http.response.start", *_BODY_MESSAGES), refuse_gone),
}

for _state, _handlers in HANDLERS.items():
    _state.handlers.update(_handlers)
