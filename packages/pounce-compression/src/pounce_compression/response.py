"""One response on its way through the middleware: held until it is decided, then passed on or compressed.

Owned by the thread and loop that serve the request. The stages only go forward::

    WAITING ─ start ─> PASSING                  nothing to do, now or any more
            └ start ─> HELD ─ whole body ─> PASSING
                            └ first piece ─> STREAMING ─ last piece ─> PASSING

A stage is FAILED while a thread works, and stays so if the application is cancelled meanwhile: what the thread uses
must not be touched again.
"""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .capture import capture_for
from .file_body import PIECE, read_piece, read_range, read_small
from .policy import path_below, request_field, request_path
from .response_head import ResponseHead

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .capture import Capture
    from .codecs import Codec, CompressorStream
    from .policy import Choice, CompressionPolicy

__all__ = ["CompressedResponse"]

Message = dict[str, Any]
T = TypeVar("T")


class Stage(enum.Enum):
    """How far a response is."""

    WAITING = enum.auto()
    HELD = enum.auto()
    STREAMING = enum.auto()
    PASSING = enum.auto()
    FAILED = enum.auto()


class CompressedResponse:
    """The ``send`` that the application gets in place of the server's."""

    __slots__ = ("_capture", "_codec", "_forced", "_head", "_lock", "_policy", "_scope", "_send", "_stage", "_stream")

    _head: ResponseHead
    _lock: asyncio.Lock
    _stream: CompressorStream | None

    def __init__(self, policy: CompressionPolicy, scope: Mapping[str, Any], send: Callable[[Message], Awaitable[None]]):
        self._policy = policy
        self._scope = scope
        self._send = send
        self._stage = Stage.WAITING
        self._codec: Codec | None = None
        self._capture: Capture | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Take a message of the application."""
        stage = self._stage
        if stage is Stage.PASSING:
            return self._send(message)
        if stage is Stage.WAITING:
            return self._on_start(message) if message["type"] == "http.response.start" else self._send(message)
        return self._in_turn(message)

    @property
    def is_held(self) -> bool:
        """There is a head that has not gone on. Once the application has returned it should, as if nothing held it."""
        return self._stage is Stage.HELD

    def _on_start(self, message: Message) -> Awaitable[None]:
        self._stage = Stage.PASSING
        try:
            head = ResponseHead(message)
        except (TypeError, ValueError, AttributeError, KeyError):
            return self._send(message)  # the server says what is wrong with it
        if head.status in (206, 304):
            return self._send(self._like_the_whole(head))
        if not self._policy.allows(head):
            return self._send(message)
        choice = self._policy.choose(request_field(self._scope, b"accept-encoding"))
        if not (choice.forced or self._policy.is_worth(head)) or self._policy.excludes(path_below(self._scope)):
            return self._send(message)
        return self._on_candidate(head, choice)

    def _on_candidate(self, head: ResponseHead, choice: Choice) -> Awaitable[None]:
        """A response that is compressed for the clients that want it: caches must know, whoever asks."""
        self._codec = choice.codec
        self._forced = choice.forced
        if self._policy.dictionaries is None:
            head.vary_on(b"Accept-Encoding")
        else:
            self._look_for_dictionaries(head)
        if self._scope["method"] == "HEAD":
            return self._on_head(head)
        if self._codec is None and self._capture is None:
            return self._send(head.to_message())
        self._stage = Stage.HELD
        self._head = head
        self._lock = asyncio.Lock()
        if head.content_type.startswith(b"text/event-stream"):
            return self._begin_stream()  # the client waits for this head, maybe for long before the first event
        return _nothing()

    def _look_for_dictionaries(self, head: ResponseHead) -> None:
        store = self._policy.dictionaries
        assert store is not None
        path = request_path(self._scope)
        head.vary_on(*self._vary_names(path))
        if (dictionary := self._policy.dictionary(self._scope, head, self._codec)) is not None:
            self._codec = dictionary.codec
        if self._scope["method"] == "GET" and request_field(self._scope, b"authorization") is None:
            self._capture = capture_for(store, path, head, queried=bool(self._scope.get("query_string")))

    def _on_head(self, head: ResponseHead) -> Awaitable[None]:
        """The fields that GET would have, as far as they can be known without its body (RFC 9110, 9.3.2).

        Where GET has the length of what it compresses there is none (RFC 9110, 8.6): nor may the server count one.
        """
        length = head.content_length
        by_path = "http.response.pathsend" in (self._scope.get("extensions") or ())
        if self._codec is not None and length and not (by_path and length > self._policy.file_size):
            head.encode(self._codec.coding, None)
            length = None
        if self._codec is not None and length is None:
            self._send = _of_unknown_length(self._send)
        return self._send(head.to_message())

    def _like_the_whole(self, head: ResponseHead) -> Message:
        """206 and 304 have the ``Vary`` that 200 would have (RFC 9110, 15.3.7 and 15.4.5).

        A 304 names the validator that the client has: the weak one, if it got that from here (RFC 9111, 4.3.4).
        """
        if not self._policy.may_code_whole(head) or self._policy.excludes(path_below(self._scope)):
            return head.message
        head.vary_on(*self._vary_names(request_path(self._scope)))
        asked = request_field(self._scope, b"if-none-match")
        if head.status == 304 and asked is not None and b"W/" + (head.value(b"etag") or b"-") in asked:
            head.weaken_etag()
        return head.to_message()

    def _vary_names(self, path: bytes) -> tuple[bytes, ...]:
        store = self._policy.dictionaries
        known = store is not None and store.concerns(path)
        return (b"Accept-Encoding", b"Available-Dictionary") if known else (b"Accept-Encoding",)

    async def _in_turn(self, message: Message) -> None:
        """One message after the other, also if the application does not wait for them."""
        async with self._lock:
            if self._stage is Stage.HELD:
                await self._on_held(message)
            elif self._stage is Stage.STREAMING:
                await self._on_streaming(message)
            elif self._stage is Stage.FAILED:
                raise RuntimeError(
                    "the response cannot go on: it was interrupted while a thread compressed a part of it"
                )
            else:
                await self._send(message)

    async def _on_held(self, message: Message) -> None:
        kind = message["type"]
        body = _body_of(message)
        if kind == "http.response.pathsend":
            await self._on_path(message)
        elif kind == "http.response.zerocopysend":
            await self._on_descriptor(message)
        elif kind != "http.response.body" or body is None:
            await self.release()
            await self._send(message)
        elif not message.get("more_body", False):
            await self._on_whole(body, message)
        elif self._codec is None and (self._capture is None or not self._capture.is_bounded):
            await self.release()
            await self._send(message)
        else:
            await self._begin_stream()
            await self._on_streaming(message)

    async def _on_whole(self, body: bytes, message: Message) -> None:
        """The commonest body: all of it in one message."""
        codec = self._codec
        if codec is not None and body and (self._forced or self._policy.is_large_enough(len(body))):
            packed = await self._away(len(body), lambda: codec.compress(body))
            if self._forced or len(packed) < len(body):
                self._head.encode(codec.coding, len(packed))
                message = {**message, "body": packed}
        if self._capture is not None:
            await self._keep(body)
        await self.release()
        await self._send(message)

    async def _on_path(self, message: Message) -> None:
        """A file by its path: a small one is read and compressed, a large one is the server's, who need not read it."""
        length, most = self._head.content_length, self._policy.file_size
        path = message.get("path")
        content = None
        if path is not None and (length is None or length <= most):
            content = await self._away(None, lambda: read_small(path, most, length))
        if content is None:
            await self.release()
            await self._send(message)
        else:
            await self._on_whole(content, {"type": "http.response.body", "body": content, "more_body": False})

    async def _on_descriptor(self, message: Message) -> None:
        """An open file, or a range of one, that is the whole body: as by its path. One that would move by being read is
        the server's.
        """
        file, offset, length = message["file"], message.get("offset"), self._head.content_length
        content = None
        if isinstance(file, int) and offset is not None and length is not None and length <= self._policy.file_size:
            most = length
            if not message.get("more_body", False) and message.get("count") in (None, length):
                content = await self._away(None, lambda: read_range(file, offset, most))
        if content is None:
            await self.release()
            await self._send(message)
        else:
            await self._on_whole(content, {"type": "http.response.body", "body": content, "more_body": False})

    async def _begin_stream(self) -> None:
        if self._codec is not None:
            self._head.encode(self._codec.coding, None)
        self._stream = None if self._codec is None else self._codec.stream()
        if self._capture is not None and self._capture.is_bounded:
            self._capture.announce(self._head)
        else:
            self._capture = None
        self._stage = Stage.STREAMING
        await self._send(self._head.to_message())

    async def _on_streaming(self, message: Message) -> None:
        body = _body_of(message)
        if message["type"] == "http.response.zerocopysend":
            await self._on_open_file(message)
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif body is None:
            raise TypeError(f"http.response.body: body is {message['body']!r:.100}, not bytes")
        else:
            await self._on_piece(body, message)

    async def _on_piece(self, body: bytes, message: Message) -> None:
        more, stream = message.get("more_body", False), self._stream
        if self._capture is not None:
            self._capture.feed(body)
            if not more:
                await self._away(self._policy.thread_size, self._capture.finish)
        if stream is not None:
            body = await self._away(len(body), lambda: _next(stream, body, more))
        if not more:
            self._stage = Stage.PASSING
        await self._send({**message, "body": body})

    async def _on_open_file(self, message: Message) -> None:
        """A range of an open file amid pieces that are compressed: it has to be read."""
        file, offset, left = message["file"], message.get("offset"), message.get("count")
        more = message.get("more_body", False)
        while left is None or left > 0:
            size = PIECE if left is None else min(PIECE, left)
            data = await self._away(None, lambda at=offset, size=size: read_piece(file, at, size))  # type: ignore[misc]
            if not data:
                break
            offset = None if offset is None else offset + len(data)
            left = None if left is None else left - len(data)
            await self._on_piece(data, {"type": "http.response.body", "more_body": True})
        if not more:
            await self._on_piece(b"", {"type": "http.response.body", "more_body": False})

    async def _keep(self, body: bytes) -> None:
        capture = self._capture
        assert capture is not None
        capture.feed(body)
        capture.announce(self._head)
        await self._away(len(body), capture.finish)

    async def release(self) -> None:
        """Let the head go on, and all that comes after it."""
        self._stage = Stage.PASSING
        await self._send(self._head.to_message())

    async def _away(self, size: int | None, work: Callable[[], T]) -> T:
        """Do something in a thread if ``size`` bytes take so long that the loop should go on; None: in any case."""
        if size is not None and size < self._policy.thread_size:
            return work()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a loop of another kind, such as trio's
            return work()
        stage, self._stage = self._stage, Stage.FAILED
        result = await loop.run_in_executor(None, work)
        self._stage = stage
        return result


_BODIES: Final = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})


def _of_unknown_length(send: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
    """For HEAD: a body that begins before it ends has no length that a server could tell."""

    async def send_in_two(message: Message) -> None:
        if message["type"] in _BODIES:
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    return send_in_two


def _next(stream: CompressorStream, data: bytes, more: bool) -> bytes:
    """A piece, coded so that the client can decode it at once; nothing for nothing."""
    if not more:
        return (stream.compress(data) if data else b"") + stream.finish()
    return stream.compress(data) + stream.flush() if data else b""


def _body_of(message: Message) -> bytes | None:
    """The bytes of a body message, or None if it holds anything else."""
    body = message.get("body", b"")
    if type(body) is bytes:
        return body
    return bytes(body) if isinstance(body, (bytes, bytearray, memoryview)) else None


async def _nothing() -> None:
    """The head is held: there is nothing to wait for."""
