"""Directories beside an application, each below a path of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_middleware.root_path import below
from pounce_middleware.static.settings import mount_of
from pounce_middleware.static.static_files import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.static.settings import StaticSettings

__all__ = ["StaticMounts"]


class StaticMounts:
    """Sends requests below some paths to other applications, and all others to ``app``. Immutable."""

    def __init__(self, app: AnyApplication, mounts: Iterable[tuple[str, AnyApplication]]) -> None:
        """``mounts``: paths without a slash at their end, and what is there. The longest that fits wins."""
        self._app = app
        ordered = sorted(mounts, key=lambda mount: len(mount[0]), reverse=True)
        self._mounts = tuple((url, url + "/", mounted) for url, mounted in ordered)

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: StaticSettings) -> ASGI3Application:
        """``app`` with the directories of the settings before it; ``app`` itself where there are none.

        A mount owns the paths below its URL: what it does not have is 404. Only below ``/``, where that would leave
        nothing to the application, what is no file goes to it, and the single page takes the place of its 404.

        Raises:
            ValueError: a directory is not there; the message names the field ``static``.
        """
        if not settings.static:
            return app
        mounts: list[tuple[str, AnyApplication]] = []
        inner = app
        for value in settings.static:
            url, directory = mount_of(value)
            try:
                files = StaticFiles(
                    directory,
                    app=None if url else app,
                    index=settings.static_index,
                    single_page=settings.static_single_page,
                    listing=settings.static_listing,
                    hidden=settings.static_hidden,
                    symlinks=settings.static_symlinks,
                    precompressed=settings.static_precompressed,
                    cache_control=settings.cache_rules(),
                )
            except ValueError as error:
                raise ValueError(f"static: {value!r}: {error}") from None
            if url:
                mounts.append((url, files))
            else:
                inner = files
        return cls(inner, mounts) if mounts else inner

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Send one request to where it belongs."""
        if scope["type"] == "http":
            whole = scope["path"]
            root_path = scope.get("root_path", "")
            path = below(whole, root_path) if root_path else whole
            for url, folder, mounted in self._mounts:
                if path.startswith(folder) or path == url:
                    mount = whole[: len(whole) - len(path)] + url
                    await mounted({**scope, "root_path": mount}, receive, send)
                    return
        await self._app(scope, receive, send)
