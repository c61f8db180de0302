"""What the middleware costs a request, without a network: driven by hand, no loop.

python packages/pounce-compression/benchmarks/bench_middleware.py
"""

from __future__ import annotations

import platform
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from corpora import make

from pounce_compression import CompressionMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS: Final = 9
BROWSER: Final = b"gzip, deflate, br, zstd"


def application(body: bytes, content_type: bytes = b"application/json", pieces: int = 1) -> Any:
    headers = [(b"content-type", content_type), (b"server", b"bench"), (b"cache-control", b"no-cache")]
    if pieces == 1:
        headers.append((b"content-length", b"%d" % len(body)))

    async def run(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for left in range(pieces - 1, -1, -1):
            await send({"type": "http.response.body", "body": body, "more_body": left > 0})

    return run


def scope_of(accept: bytes | None) -> dict[str, Any]:
    headers = [(b"host", b"example.com"), (b"user-agent", b"bench"), (b"accept", b"*/*"), (b"cookie", b"a=b")]
    headers += [(b"accept-language", b"en"), (b"sec-fetch-mode", b"cors"), (b"sec-fetch-site", b"same-origin")]
    if accept is not None:
        headers.append((b"accept-encoding", accept))
    return {"type": "http", "method": "GET", "path": "/items", "headers": headers}


async def send(message: Any) -> None:
    """A server that takes everything at once."""


def microseconds(app: Callable[..., Any], scope: dict[str, Any], times: int) -> float:
    """CPU time of one request, the best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for _ in range(times):
            coroutine = app(scope, None, send)
            try:
                coroutine.send(None)
            except StopIteration:
                continue
            raise AssertionError("it waited for something")
        best = min(best, (time.thread_time() - begun) / times)
    return best * 1e6


def main() -> None:
    print(f"{platform.python_implementation()} {sys.version.split()[0]}\n\n| what | us |\n|---|---|")
    small, large = make("json", 1024), make("json", 65_536)
    cases: list[tuple[str, Any, bytes | None, int]] = [
        ("image, not compressed", application(small, b"image/png"), BROWSER, 4000),
        ("JSON below the least size", application(small[:400]), BROWSER, 4000),
        ("JSON, client accepts nothing", application(small), None, 4000),
    ]
    for coding in ("zstd", "br", "gzip"):
        cases.append((f"JSON of 1 KiB, {coding}", application(small), coding.encode(), 2000))
        cases.append((f"JSON of 64 KiB, {coding}", application(large), coding.encode(), 60))
        cases.append(
            (
                f"ten events of 64 bytes, {coding}",
                application(small[:64], b"text/event-stream", 10),
                coding.encode(),
                500,
            )
        )
    for name, app, accept, times in cases:
        scope = scope_of(accept)
        bare = microseconds(app, scope, times)
        print(f"| {name} | {microseconds(CompressionMiddleware(app), scope, times) - bare:.1f} |", flush=True)


if __name__ == "__main__":
    main()
