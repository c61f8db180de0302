"""What is the same for every version of HTTP that has many streams on a connection: HTTP/2 and HTTP/3.

The rules of request heads and trailers, of priorities, of budgets against floods, and of one stream between its
exchange and the frames of its version. Wire packages build on it; applications and servers need nothing of it.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_asgi.multiplexed.floods import FloodBudget
    from pounce_asgi.multiplexed.head_memo import HeadMemo
    from pounce_asgi.multiplexed.message_fault import MessageFault
    from pounce_asgi.multiplexed.outgoing import FilePiece, Outgoing
    from pounce_asgi.multiplexed.prefix_integer import encode_integer
    from pounce_asgi.multiplexed.priorities import EarlyPriorities, Priority, parse_priority
    from pounce_asgi.multiplexed.request_head import CONNECTION_FIELDS, RequestHead, read_head
    from pounce_asgi.multiplexed.request_intake import RequestIntake
    from pounce_asgi.multiplexed.response_fields import SECRET_FIELDS, Fields, ResponseBlocks, encode_field
    from pounce_asgi.multiplexed.scheduler import Scheduler
    from pounce_asgi.multiplexed.stream import NEVER, MultiplexedStream
    from pounce_asgi.multiplexed.stream_body import StreamBody
    from pounce_asgi.multiplexed.stream_owner import StreamEngine, StreamOwner
    from pounce_asgi.multiplexed.trailers import judge_trailers
    from pounce_asgi.multiplexed.turns import Turns
    from pounce_asgi.multiplexed.websocket_stream import WebSocketStream
    from pounce_asgi.multiplexed.wire import MultiplexedWire, WebSocketWireLike

__all__ = [
    "CONNECTION_FIELDS",
    "NEVER",
    "SECRET_FIELDS",
    "EarlyPriorities",
    "Fields",
    "FilePiece",
    "FloodBudget",
    "HeadMemo",
    "MessageFault",
    "MultiplexedStream",
    "MultiplexedWire",
    "Outgoing",
    "Priority",
    "RequestHead",
    "RequestIntake",
    "ResponseBlocks",
    "Scheduler",
    "StreamBody",
    "StreamEngine",
    "StreamOwner",
    "Turns",
    "WebSocketStream",
    "WebSocketWireLike",
    "encode_field",
    "encode_integer",
    "judge_trailers",
    "parse_priority",
    "read_head",
]

_HOMES: Final = {
    ".floods": ("FloodBudget",),
    ".head_memo": ("HeadMemo",),
    ".message_fault": ("MessageFault",),
    ".outgoing": ("FilePiece", "Outgoing"),
    ".prefix_integer": ("encode_integer",),
    ".priorities": ("EarlyPriorities", "Priority", "parse_priority"),
    ".request_head": ("CONNECTION_FIELDS", "RequestHead", "read_head"),
    ".request_intake": ("RequestIntake",),
    ".response_fields": ("Fields", "ResponseBlocks", "SECRET_FIELDS", "encode_field"),
    ".scheduler": ("Scheduler",),
    ".stream": ("MultiplexedStream", "NEVER"),
    ".stream_body": ("StreamBody",),
    ".stream_owner": ("StreamEngine", "StreamOwner"),
    ".trailers": ("judge_trailers",),
    ".turns": ("Turns",),
    ".websocket_stream": ("WebSocketStream",),
    ".wire": ("MultiplexedWire", "WebSocketWireLike"),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
