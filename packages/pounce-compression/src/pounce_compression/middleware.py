"""Compression as plain ASGI middleware: for any ASGI 3 application, under any server, over every version of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from .codings import CODINGS
from .compressible_types import COMPRESSIBLE_TYPES
from .dictionary import DictionaryStore
from .policy import CompressionPolicy, request_field
from .response import CompressedResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping

    from .settings import CompressionSettings

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]
    Application = Callable[[Any, Any, Any], Awaitable[None]]  # frameworks declare ASGI as types of their own

__all__ = ["CompressionMiddleware"]


class CompressionMiddleware:
    """Compresses responses for the clients that accept it.

    ``codings`` may be used, the preferred one first; those whose library is missing are left out. ``levels`` are by
    coding. ``min_size`` (bytes), ``types`` and ``exclude`` (paths) say what is worth it. Bodies from ``thread_size``
    bytes on are compressed in the loop's default executor; files sent by their path are read and compressed up to
    ``file_size`` bytes. ``strict`` answers 406 to those who accept nothing that could be sent.

    One object may be called by any number of loops in any number of threads at once.

    Raises:
        LookupError: a coding is not known, or none of them is installed.
        ValueError: a level is out of its range, or a media type is none.
    """

    def __init__(
        self,
        app: Application,
        *,
        codings: Iterable[str] = CODINGS,
        levels: Mapping[str, int] | None = None,
        min_size: int = 512,
        types: Iterable[str] = COMPRESSIBLE_TYPES,
        exclude: Iterable[str] = (),
        thread_size: int = 128 * 1024,
        file_size: int = 1024 * 1024,
        strict: bool = False,
        dictionaries: DictionaryStore | None = None,
    ) -> None:
        self.app: Final = app
        self._strict = strict
        self._policy = CompressionPolicy(
            codings=tuple(codings),
            levels=levels,
            min_size=min_size,
            types=types,
            exclude=exclude,
            thread_size=thread_size,
            file_size=file_size,
            dictionaries=dictionaries,
        )

    @classmethod
    def from_settings(
        cls, app: Application, settings: CompressionSettings, *, dictionaries: DictionaryStore | None = None
    ) -> Self:
        """As the settings say. Several objects in one process may share their ``dictionaries``."""
        if dictionaries is None and settings.compress_dictionaries:
            dictionaries = DictionaryStore.from_settings(settings)
        return cls(
            app,
            codings=settings.compress_codings,
            levels=settings.compress_levels,
            min_size=settings.compress_min_size,
            types=settings.compress_types,
            exclude=settings.compress_exclude,
            thread_size=settings.compress_thread_size,
            file_size=settings.compress_file_size,
            strict=settings.compress_strict,
            dictionaries=dictionaries,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope; all but HTTP pass untouched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._strict and not self._policy.choose(request_field(scope, b"accept-encoding")).acceptable:
            await self._refuse(send)
            return
        response = CompressedResponse(self._policy, scope, send)
        await self.app(scope, receive, response.send)
        if response.is_held:
            await response.release()

    async def _refuse(self, send: Send) -> None:
        """406, with what could have been asked for (RFC 9110, 15.5.7). The application has not been called."""
        codings = ", ".join(self._policy.codecs)
        body = f"This server sends content as it is, or with one of the codings {codings}.\n".encode()
        fields = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"vary", b"Accept-Encoding"),
        ]
        await send({"type": "http.response.start", "status": 406, "headers": fields})
        await send({"type": "http.response.body", "body": body})
