"""`StaticFiles`: a directory as an ASGI application. Hot path: a small file that is fresh in the cache."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pounce_middleware.root_path import below
from pounce_middleware.static import negotiation
from pounce_middleware.static.answer import ASKING, Answer, answer_for, asked
from pounce_middleware.static.cache_rules import REVALIDATE, CacheRules
from pounce_middleware.static.directory import Directory, NoSuchFile
from pounce_middleware.static.entry_cache import EntryCache
from pounce_middleware.static.file_body import offers, send_answer
from pounce_middleware.static.held_files import HeldFile, HeldFiles
from pounce_middleware.static.listing import LISTING_HEADERS, list_folder
from pounce_middleware.static.loader import Entry, FileEntry, FolderEntry, Loader
from pounce_middleware.static.request_path import file_path
from pounce_middleware.static.single_page import VARY_ON_ACCEPT, InsteadOfNotFound, varying_by_accept, wants_page

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
    from pounce_middleware.static.representation import Header, Representation
    from pounce_middleware.static.settings import Symlinks

__all__ = ["StaticFiles"]

ALLOW: Final = (b"allow", b"GET, HEAD, OPTIONS")
NOT_KEPT: Final = (b"cache-control", b"no-cache")
"""Caches may keep a 404 for as long as they guess (RFC 9111, 4.2.2); the file may be there with the next deployment."""
PLAIN_TEXT: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
)


class _Worker(threading.local):
    """What each thread has for itself: nothing on the way of a request is shared and changed."""

    def __init__(self, loader: Loader, most_entries: int, most_bytes: int) -> None:
        self.cache = EntryCache(loader, most_entries=most_entries, most_bytes=most_bytes)
        self.entries = self.cache.entries
        self.missing = self.cache.missing
        self.held = HeldFiles(most_entries)
        self.chooser = negotiation.Chooser()


class StaticFiles:
    """Serves the files below a directory to GET and HEAD. One instance may be called from many event loops."""

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        app: AnyApplication | None = None,
        index: str = "index.html",
        listing: bool = False,
        single_page: str = "",
        not_found: str = "404.html",
        hidden: bool = False,
        symlinks: Symlinks = "within",
        precompressed: bool = True,
        cache_control: Iterable[tuple[str, str]] = (),
        cache_control_default: str = REVALIDATE,
        types: Mapping[str, str] | None = None,
        cache_entries: int = 1024,
        cache_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        """
        Args:
            directory: the root. It may be a link that is pointed elsewhere later.
            app: gets every request for which there is no file; without it those are answered 404 and 405.
                With ``single_page``, that page takes the place of its 404 too.
            index: the file that stands for a folder; empty for none.
            listing: list folders that have no index.
            single_page: the file below the root for pages that only the program in the browser knows: it is sent
                when nothing is found and the client asks for ``text/html``. Empty for none.
            not_found: the file below the root for the body of a 404, if it is there.
            hidden: serve names that begin with a dot too; ``/.well-known/`` is always served.
            symlinks: ``within`` the directory they are followed, or all (``follow``), or none.
            precompressed: send ``name.zst``, ``name.br`` or ``name.gz`` for ``name`` to clients that like it
                (needs the extra ``static``).
            cache_control: patterns and values of Cache-Control; see `CacheRules`.
            cache_control_default: for files that no pattern fits and whose name has no hash in it.
            types: suffix without its dot -> content-type, before our own table.
            cache_entries: paths that each thread remembers, for a second each.
            cache_bytes: contents of small files that each thread keeps.

        Raises:
            ValueError: the directory is none, or a value cannot be used.
        """
        for name, path in (("index", index), ("single_page", single_page), ("not_found", not_found)):
            if path and (file_path("/" + path) is None or path.endswith("/")):
                raise ValueError(f"{name}: {path!r} is not the path of a file below the directory")
        self.directory = Directory(directory, symlinks=symlinks)
        self._app = app
        self._hidden = hidden
        self._single_page = single_page
        self._not_found = not_found
        rules = CacheRules(cache_control, otherwise=cache_control_default)
        loader = Loader(
            self.directory,
            rules=rules,
            index=index,
            listing=listing,
            precompressed=precompressed and negotiation.AVAILABLE,
            types=dict(types or {}),
        )
        self._worker = _Worker(loader, cache_entries, cache_bytes)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one request, or pass it on."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        method = scope["method"]
        if method != "GET" and method != "HEAD":
            await self._other_method(scope, receive, send)
            return
        path = scope["path"]
        root_path = scope.get("root_path")
        if root_path:
            path = below(path, root_path)
        worker = self._worker
        found = worker.entries.get(path)
        if found is not None and found[0] > monotonic():
            entry = found[1]
        else:
            loaded = await self._load(worker, path)
            if loaded is None:
                await self._missing(worker, scope, receive, send)
                return
            entry = loaded
        if type(entry) is FileEntry:
            await self._send_file(worker, path, entry, scope, send)
        else:
            await self._send_folder(entry, scope, send)  # type: ignore[arg-type]

    # -- files -------------------------------------------------------------------------------------------------------

    async def _load(self, worker: _Worker, path: str) -> Entry | None:
        if not path:
            return FolderEntry(names=())  # where it is mounted, without the slash
        if worker.missing.get(path, 0.0) > monotonic():
            return None
        names = file_path(path, hidden=self._hidden)
        if names is None:
            return None
        try:
            return await worker.cache.load(path, names)
        except NoSuchFile:
            return None

    async def _send_file(
        self, worker: _Worker, path: str, entry: FileEntry, scope: HTTPScope, send: ASGISendCallable
    ) -> None:
        accept_encoding: bytes | None = None
        fields: dict[str, str] = {}
        headers = scope["headers"]
        for name, value in headers:
            if name in ASKING:
                fields = asked(headers)
            elif name == b"accept-encoding":
                accept_encoding = value if accept_encoding is None else accept_encoding + b"," + value
        representation = worker.chooser.choose(entry, accept_encoding) if entry.coded else entry.plain
        body = representation.body
        if body is not None and not fields:
            await send({
                "type": "http.response.start", "status": 200, "headers": [*representation.headers], "trailers": False,
            })  # fmt: skip
            if scope["method"] == "HEAD":
                body = b""
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return
        await self._send_answer(worker, path, representation, scope, fields, send)

    async def _send_answer(
        self,
        worker: _Worker,
        path: str,
        representation: Representation,
        scope: HTTPScope,
        fields: dict[str, str],
        send: ASGISendCallable,
    ) -> None:
        """All that is not simply the whole of a small file."""
        method = scope["method"]
        answer = answer_for(representation, method, fields)
        if method == "HEAD" or not answer.parts:
            await send_bytes(send, answer.status, answer.headers, b"")
            return
        if representation.body is not None:
            await send_bytes(send, answer.status, answer.headers, _bytes_of(answer, representation.body))
            return
        held = worker.held.borrow(representation) or await self._open(worker, representation)
        if held is None:  # it went within the second
            worker.cache.forget(path)
            await self._send_not_found(worker, scope, send)
            return
        try:
            if held.signature != representation.signature:
                worker.cache.forget(path)
                representation = representation.renewed(held.file.status)
                answer = answer_for(representation, method, fields)
            if answer.parts:
                await send_answer(answer, held, send, offers(scope))
            else:
                await send_bytes(send, answer.status, answer.headers, b"")
        finally:
            held.give_back()

    async def _open(self, worker: _Worker, representation: Representation) -> HeldFile | None:
        opening = asyncio.get_running_loop().run_in_executor(None, self.directory.open, representation.names)
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unused)
            raise
        except NoSuchFile:
            return None
        if file.is_folder:
            file.close()
            return None
        return worker.held.keep(representation.names, file)

    # -- folders -----------------------------------------------------------------------------------------------------

    async def _send_folder(self, entry: FolderEntry, scope: HTTPScope, send: ASGISendCallable) -> None:
        if not entry.names or entry.names[-1] != "":
            # Relative: right whatever a proxy has cut off before us, and never another site.
            last = scope["path"].rpartition("/")[2]
            location = b"./%b/" % quote(last).encode("ascii") if last else b"./"
            if scope["query_string"]:
                location += b"?" + quote(scope["query_string"], safe="/?:@!$&'()*+,;=%-._~").encode("ascii")
            await send_bytes(send, 307, [(b"location", location), (b"content-length", b"0")], b"")
            return
        page = await asyncio.get_running_loop().run_in_executor(None, self._page, entry)
        headers = [*LISTING_HEADERS, (b"content-length", b"%d" % len(page))]
        await send_bytes(send, 200, headers, b"" if scope["method"] == "HEAD" else page)

    def _page(self, entry: FolderEntry) -> bytes:
        return list_folder(self.directory, entry.names[:-1], hidden=self._hidden)

    # -- what is no file ---------------------------------------------------------------------------------------------

    async def _missing(
        self, worker: _Worker, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        wanted = bool(self._single_page) and wants_page(scope["headers"])
        if self._app is not None:
            if self._single_page:
                page = partial(self._send_page, worker, scope, send) if wanted else None
                send = InsteadOfNotFound(send, page)
            await self._app(scope, receive, send)
        elif not wanted or not await self._send_page(worker, scope, send):
            await self._send_not_found(worker, scope, send)

    async def _send_page(self, worker: _Worker, scope: HTTPScope, send: ASGISendCallable) -> bool:
        path = "/" + self._single_page
        entry = await self._fresh(worker, path)
        if not isinstance(entry, FileEntry):
            return False
        await self._send_file(worker, path, entry, scope, varying_by_accept(send))
        return True

    async def _send_not_found(self, worker: _Worker, scope: HTTPScope, send: ASGISendCallable) -> None:
        entry = await self._fresh(worker, "/" + self._not_found) if self._not_found else None
        body, media_type = b"Not Found\n", PLAIN_TEXT[0]
        if isinstance(entry, FileEntry) and entry.plain.body is not None:
            body, media_type = entry.plain.body, (b"content-type", entry.plain.media_type)
        headers = [media_type, PLAIN_TEXT[1], NOT_KEPT, (b"content-length", b"%d" % len(body))]
        if self._single_page:
            headers.append(VARY_ON_ACCEPT)
        await send_bytes(send, 404, headers, b"" if scope["method"] == "HEAD" else body)

    async def _fresh(self, worker: _Worker, path: str) -> Entry | None:
        found = worker.entries.get(path)
        return found[1] if found is not None and found[0] > monotonic() else await self._load(worker, path)

    async def _other_method(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await send_bytes(send, 204, [ALLOW], b"")
        else:
            body = b"Method Not Allowed\n"
            await send_bytes(send, 405, [ALLOW, *PLAIN_TEXT, (b"content-length", b"%d" % len(body))], body)

    async def _other(self, scope: Any, receive: Any, send: Any) -> None:
        """Lifespan, WebSockets, and whatever comes later."""
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise ValueError(f"static files do not know connections of type {scope['type']!r}")


async def send_bytes(send: ASGISendCallable, status: int, headers: list[Header], body: bytes) -> None:
    """A whole response of a few bytes."""
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _bytes_of(answer: Answer, content: bytes) -> bytes:
    pieces = [bytes_ for prelude, piece in answer.parts for bytes_ in (prelude, content[piece.start : piece.end])]
    return b"".join((*pieces, answer.closing))


def _close_unused(opening: asyncio.Future[Any]) -> None:
    """Whoever wanted the file has left before it was open."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
