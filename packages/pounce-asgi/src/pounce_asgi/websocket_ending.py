"""What the end of a WebSocket's application means for its client, and what is logged of it.

Before the handshake is answered it is a 500; while the WebSocket is open it is its goodbye, 1000 or 1011.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.client_gone import is_client_gone
from pounce_asgi.errors import MissingResponse
from pounce_asgi.failure_log import log_cancelled, log_failed, log_failed_late
from pounce_asgi.naming import request_name
from pounce_asgi.response_states import COMPLETE
from pounce_asgi.websocket_states import CONNECTING, OPEN

if TYPE_CHECKING:
    import asyncio

    from pounce_asgi.websocket_exchange import WebSocketExchange

__all__ = ["application_failed", "application_returned", "end_badly"]

logger = logging.getLogger("pounce.error")

NORMAL_CLOSURE: Final = 1000
INTERNAL_ERROR: Final = 1011


def application_returned(exchange: WebSocketExchange[Any], task: asyncio.Task[Any]) -> None:
    """It has returned, raised or was cancelled."""
    if exchange.task is not None:
        exchange.task = None
        exchange.context.running.discard(task)
    if exchange.denial is not None:
        exchange.denial._returned(task)  # a response that is not complete, and its log line, are the same everywhere
        return
    try:
        error = task.exception()
    except CancelledError:
        _cancelled(exchange)
        return
    if error is not None:
        application_failed(exchange, error)
    elif exchange.state is OPEN:
        exchange.close(NORMAL_CLOSURE, "")
    elif exchange.state is CONNECTING and exchange.half:
        exchange.refuse(403)  # it heard of a disconnect, and had nothing to answer
    elif exchange.state is CONNECTING:
        application_failed(
            exchange, MissingResponse("the application returned without accepting or closing the WebSocket")
        )


def application_failed(exchange: WebSocketExchange[Any], error: BaseException) -> None:
    """It raised, or never began."""
    if exchange.denial is not None:
        exchange.denial._failed(error)
        return
    if not (exchange.left and is_client_gone(error)):
        if exchange.report is not None:
            exchange.report.failed(exchange.reported, error)
        if exchange.left:
            log_failed_late(exchange.head, error)
        else:
            report = exchange.report
            log_failed(exchange.head, error, report.request_id if report is not None else None)
    end_badly(exchange)


def end_badly(exchange: WebSocketExchange[Any]) -> None:
    """The client can tell that the application failed: a 500, or the code 1011."""
    denial = exchange.denial
    if denial is not None:
        if denial.state is not COMPLETE and not denial.gone:
            denial._end_badly()
    elif exchange.state is CONNECTING:
        exchange.refuse(500)
    elif exchange.state is OPEN:
        exchange.close(INTERNAL_ERROR, "", aborted=True)


def _cancelled(exchange: WebSocketExchange[Any]) -> None:
    if exchange.state is CONNECTING:
        log_cancelled(exchange.head)
    elif exchange.state is OPEN:
        name = request_name(exchange.head.method, exchange.head.raw_path)
        logger.warning("Cancelled while its WebSocket was open: %s", name)
    end_badly(exchange)
