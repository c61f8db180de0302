"""The applications of ``applications``, written for workers that block: to a client there is no difference."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from pounce_asgi import ResponseFile, SyncRequest, SyncResponse
from tests.end_to_end.applications import PIECE, endless_count
from tests.end_to_end.signals import Signals

__all__ = ["cases", "report", "stream", "upload_echo"]

Handler = Callable[[SyncRequest], SyncResponse]


class Application:
    """A SyncApp that is nothing but its function."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def handle(self, request: SyncRequest) -> SyncResponse:
        """Answer a request."""
        return self._handler(request)


def read_body(request: SyncRequest) -> bytes | None:
    """The whole body, or None when the client did not send all of it."""
    try:
        return request.body.read()
    except OSError:
        return None


@Application
def report(request: SyncRequest) -> SyncResponse:
    """Answer with a description of the request, as JSON."""
    body = read_body(request)
    seen: dict[str, Any] = {
        "method": request.method,
        "raw_path": request.raw_path.decode("latin-1"),
        "path": request.path,
        "query_string": request.query_string.decode("latin-1"),
        "http_version": request.http_version,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
        "client": request.client,
        "server": request.server,
        "body": None if body is None else body.decode("latin-1"),
    }
    return SyncResponse(body=json.dumps(seen).encode())


@Application
def stream(request: SyncRequest) -> SyncResponse:
    """Answer ``/n`` with n pieces of unannounced length."""

    def pieces() -> Iterator[bytes]:
        yield from (b"piece %d\n" % number for number in range(int(request.path.strip("/") or "3")))
        yield b"end\n"

    return SyncResponse(body=pieces())


@Application
def upload_echo(request: SyncRequest) -> SyncResponse:
    """Send the body back, each piece as it comes, with the type that it came with."""
    content_type = request.header("content-type", b"application/octet-stream") or b""
    return SyncResponse(headers=[(b"content-type", content_type)], body=iter(request.body.read1, b""))


# What the paths of ``cases`` do.


def held(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    signals.set("entered")
    signals.wait("released")
    return SyncResponse(body=b"/held")


def close(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    return SyncResponse(headers=[(b"connection", b"close")], body=b"bye")


def fail(when: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    def pieces() -> Iterator[bytes]:
        yield b"begun"
        raise RuntimeError("as the test wants it")

    if when == "inside":
        return SyncResponse(body=pieces())
    raise RuntimeError("as the test wants it")


def length(announced: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    return SyncResponse(headers=[(b"content-length", announced.encode())], body=b"five!")


def status(code: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    return SyncResponse(int(code), body=b"not interested" if int(code) >= 400 else b"")


def read(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    try:
        body = request.body.read()
    except OSError:
        signals.set("read", "cut off")
        raise
    signals.set("read", "whole")
    return SyncResponse(body=body)


def expect(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    signals.wait("released")
    return SyncResponse(body=request.body.read())


def endless(size: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    def pieces() -> Iterator[bytes]:
        sent = 0
        body = PIECE[: int(size or len(PIECE))]
        try:
            for sent in range(endless_count(body)):  # noqa: B007 - it is told how far it went
                yield body
        except GeneratorExit:
            signals.set("gone", str(sent))
            raise

    return SyncResponse(body=pieces())


def large(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    def pieces() -> Iterator[bytes]:
        for number in range(1600):
            yield PIECE
            if number % 100 == 99:
                signals.set(f"sent-{number + 1}")

    return SyncResponse(body=pieces())


def early(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    def pieces() -> Iterator[bytes]:
        yield b"first"
        signals.wait("released")
        yield b"second"

    return SyncResponse(body=pieces())


def file(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    opened = (signals.folder / "file").open("rb")
    return SyncResponse(body=ResponseFile(opened), close=opened.close)


def half_read(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    signals.set(f"called-{time.monotonic_ns()}")
    return SyncResponse(body=b"x" * 500_000)


def worker(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    return SyncResponse(body=b"%d-%d" % (os.getpid(), threading.get_ident()))


def cpus(_: str, signals: Signals, request: SyncRequest) -> SyncResponse:
    return SyncResponse(body=json.dumps(sorted(os.sched_getaffinity(0))).encode())


PATHS: Final = {
    case.__name__: case
    for case in (held, close, fail, length, status, read, expect, endless, large, early, file, half_read, worker, cpus)
}


@Application
def cases(request: SyncRequest) -> SyncResponse:
    """Do what the path says; any other path is the answer."""
    name, _, rest = request.path.strip("/").partition("/")
    case = PATHS.get(name)
    if case is None:
        return SyncResponse(body=request.path.encode())
    return case(rest, Signals.of_query(request.query_string), request)
