"""WSGI applications (PEP 3333): one whose every step the library's validator watches, and one that sends files."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import IO, TYPE_CHECKING, Any, cast
from wsgiref.validate import validator

from tests.end_to_end.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["cases", "files"]

TEXT = [("Content-Type", "text/plain")]


def echo(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """The body in pieces, as it is read."""
    start("200 OK", TEXT)
    source = cast("IO[bytes]", environ["wsgi.input"])
    return iter(lambda: source.read(50_000), b"")


def stream(environ: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
    start("200 OK", TEXT)
    for number in range(20):
        yield b"piece %d\n" % number


def write(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    send = start("200 OK", TEXT)
    send(b"written,")
    return [b"returned"]


def replaced(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", TEXT)
    try:
        raise ValueError("as the test wants it")
    except ValueError:
        start("503 Not Now", TEXT, sys.exc_info())
    return [b"replaced"]


def late(environ: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
    start("200 OK", TEXT)
    yield b"begun"
    raise RuntimeError("as the test wants it")


def fail(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    raise RuntimeError("as the test wants it")


def loop(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    async def slept() -> bytes:
        await asyncio.sleep(0.001)
        return b"in a loop of its own"

    start("200 OK", TEXT)
    return [asyncio.run(slept())]


def held(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    signals = Signals.of_query(environ["QUERY_STRING"])
    signals.set("entered")
    signals.wait("released")
    start("200 OK", TEXT)
    return [b"held"]


def seen(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", TEXT)
    shown = {name: value for name, value in environ.items() if isinstance(value, (str, bool))}
    return [json.dumps(shown).encode()]


PATHS: dict[str, Callable[[Any, Any], Iterable[bytes]]] = {
    "/" + case.__name__: case for case in (echo, stream, write, replaced, late, fail, loop, held)
}


def routed(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    return PATHS.get(environ["PATH_INFO"], seen)(environ, start)


validated = validator(routed)


def cases(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Answers 500 where the server does not keep to PEP 3333."""
    return validated(environ, start)  # which takes any number of arguments, so that nobody can tell what it is


def files(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """The file that the test has put into its folder, by the server's own wrapper."""
    opened = (Signals.of_query(environ["QUERY_STRING"]).folder / "file").open("rb")
    start("200 OK", TEXT)
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened)
    return wrapped
