"""What examples take from around them: a program that the page does not show."""

from __future__ import annotations

import types
from typing import Any, Final

from pounce_workers import ServingSettings, Worker

__all__ = ["GIVEN"]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Whatever application the reader has."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def gather(question: str, arguments: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
    """A server of which nothing is known."""
    return []


class ServerTimings:
    """What ``request.state.server_timing`` takes."""

    def add(self, name: str, seconds: float, words: str = "") -> None:
        """Nothing comes of it."""


_state: Final = types.SimpleNamespace(server_timing=ServerTimings())

GIVEN: Final[dict[str, Any]] = {
    "app": app,
    "application": app,
    "gather": gather,
    "request": types.SimpleNamespace(state=_state, country="de"),
    "worker": Worker(app, [], settings=ServingSettings()),
}
