"""What is counted of each change: requests through the middleware, driven by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench_middleware import BROWSER, application, scope_of, send
from corpora import make

from pounce_compression import CompressionMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

SMALL: Final = make("json", 1024)


def through(app: Any, accept: bytes | None) -> Callable[[int], None]:
    """So many requests, one after another."""

    def run(count: int) -> None:
        compressed, scope = CompressionMiddleware(app), scope_of(accept)
        for _ in range(count):
            coroutine: Any = compressed(scope, None, send)  # type: ignore[arg-type]  # nobody receives
            try:
                coroutine.send(None)
            except StopIteration:
                continue
            raise AssertionError("it waited for something")

    return run


CASES: Final[dict[str, Callable[[int], None]]] = {
    "image, not compressed": through(application(SMALL, b"image/png"), BROWSER),
    "JSON of 1 KiB, zstd": through(application(SMALL), b"zstd"),
    "ten events, gzip": through(application(SMALL[:64], b"text/event-stream", 10), b"gzip"),
}
