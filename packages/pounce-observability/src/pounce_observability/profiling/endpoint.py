"""``POST /_pounce/profile``: asks every process for a profile, and lets them stop when the client is gone."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ProfileEndpoint"]

SPARE: Final = 10.0
"""Seconds that processes have for their answers beside the profile itself."""
STOP_TIMEOUT: Final = 2.0


class ProfileEndpoint:
    """An ASGI application. Whoever serves it sees to it that only operators reach it."""

    def __init__(self, gather: Callable[[str, dict[str, Any], float], list[Any]]) -> None:
        """``gather`` asks every process a question; it is called in a thread."""
        self._gather = gather

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["method"] != "POST":
            await _answer(send, 405, {"error": "ask with POST: a profile is made anew each time"}, (b"allow", b"POST"))
            return
        try:
            arguments = _arguments(scope["query_string"])
        except ValueError as error:
            await _answer(send, 400, {"error": str(error)})
            return
        processes = await self._asked(arguments, receive)
        if processes is not None:
            values = [each["value"] for each in processes if isinstance(each.get("value"), dict)]
            busy = bool(values) and all("error" in value for value in values)
            status = (409 if any(value.get("busy") for value in values) else 400) if busy else 200
            await _answer(send, status, {"processes": processes})

    async def _asked(self, arguments: dict[str, Any], receive: Any) -> list[Any] | None:
        """The answers of all processes; None when the client has left."""
        timeout = arguments["seconds"] + SPARE
        asked = asyncio.ensure_future(asyncio.to_thread(self._gather, "profile", arguments, timeout))
        left = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((asked, left), return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                return asked.result()
            return None
        finally:
            left.cancel()
            if not asked.done():  # the client has left, or the server stops
                stop = {"id": arguments["id"]}
                await asyncio.shield(asyncio.to_thread(self._gather, "profile_stop", stop, STOP_TIMEOUT))
                await asyncio.wait((asked,))


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _arguments(query: bytes) -> dict[str, Any]:
    """Those of the question; what they may be, the processes tell."""
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=10))
    arguments: dict[str, Any] = {"id": secrets.token_hex(8), "seconds": 10.0, "interval": 0.01, "idle": False}
    for name, value in given.items():
        if name in ("seconds", "interval"):
            arguments[name] = float(value)
        elif name == "idle":
            arguments[name] = value in ("1", "true", "yes", "on")
        else:
            raise ValueError(f"there is no argument {name!r:.40}; there are seconds, interval and idle")
    if not 0 < arguments["seconds"] <= 60:  # not a number is not between either
        raise ValueError("seconds must be between 0 and 60")
    return arguments


async def _answer(send: Any, status: int, value: Any, *fields: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *fields]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})
