"""The page of a program that runs in the browser, in place of a 404: who gets it, and what caches are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pounce_asgi import ASGISendCallable

__all__ = ["VARY_ON_ACCEPT", "InsteadOfNotFound", "varying_by_accept", "wants_page"]

VARY_ON_ACCEPT: Final = (b"vary", b"accept")
"""For caches, on the page and on the 404 alike: who asks for something else gets the other one."""


def wants_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Browsers name HTML when somebody goes to a page, and not when a page asks for its pieces."""
    return any(name == b"accept" and b"text/html" in value.lower() for name, value in headers)


def varying_by_accept(send: ASGISendCallable) -> ASGISendCallable:
    """A ``send`` that adds `VARY_ON_ACCEPT` to the head."""

    async def send_with_vary(message: Any) -> None:
        await send(_with_vary(message) if message["type"] == "http.response.start" else message)

    return send_with_vary


class InsteadOfNotFound:
    """The ``send`` of an application whose 404 the page takes the place of. Of one request.

    ``send_page`` sends it, and tells whether there was one; None for clients that do not want it. Any other answer of
    the application passes as it is.
    """

    __slots__ = ("_replaced", "_send", "_send_page")

    def __init__(self, send: ASGISendCallable, send_page: Callable[[], Awaitable[bool]] | None) -> None:
        self._send = send
        self._send_page = send_page
        self._replaced = False

    def __call__(self, message: Any) -> Awaitable[None]:
        """Take a message of the application."""
        if self._replaced:
            return _nothing()
        if message["type"] == "http.response.start" and message.get("status") == 404:
            return self._not_found(message)
        return self._send(message)

    async def _not_found(self, message: Any) -> None:
        if self._send_page is not None and await self._send_page():
            self._replaced = True  # the rest of the application's answer leads nowhere
        else:
            await self._send(_with_vary(message))


def _with_vary(message: Any) -> Any:
    return {**message, "headers": [*message.get("headers", ()), VARY_ON_ACCEPT]}


async def _nothing() -> None:
    """Nobody waits for what is not sent."""
