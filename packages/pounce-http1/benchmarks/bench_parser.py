"""How long it takes to read requests: this package against h11 and httptools, on one connection, without a network.

    python benchmarks/bench_parser.py [--rounds 40] [--json result.json]

httptools (a C parser) and h11 are measured if they are installed. Every parser has to end with the same: method,
target, path, query, version, and a list of (lower-case name, value) pairs; and the body, joined. The figure is the best
of the rounds, in microseconds of processor time for what one column says.

"cold" is a reader without a memo; "differing" has a memo, but no two heads are equal; "remembered" sees equal heads.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pounce_http1 import BodyChunk, EndOfBody, HeaderMemo, RequestReader

Pairs = list[tuple[bytes, bytes]]
Run = Callable[[Iterable[bytes]], int]

SMALL = b"GET /api/users/123?page=2 HTTP/1.1\r\nHost: localhost:8000\r\nX-Trace: %08d\r\n\r\n"
BROWSER = (
    b"GET /products/list?category=books&page=3 HTTP/1.1\r\n"
    b"Host: www.example.com\r\n"
    b"Connection: keep-alive\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0"
    b" Safari/537.36\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n"
    b"Cache-Control: max-age=0\r\n"
    b"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; _ga=GA1.2.1234567890.1234567890; id=%08d\r\n"
    b"Referer: https://www.example.com/products/list?category=books&page=2\r\n"
    b"Upgrade-Insecure-Requests: 1\r\n\r\n"
)
POST = (
    b"POST /api/items HTTP/1.1\r\nHost: localhost:8000\r\nContent-Type: application/json\r\nX-Trace: %08d\r\n"
    b"Content-Length: 1024\r\n\r\n"
) + b"x" * 1024
CHUNKED = (
    b"POST /upload HTTP/1.1\r\nHost: localhost:8000\r\nX-Trace: %08d\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 16
    + b"0\r\n\r\n"
)
MESSAGES: dict[str, tuple[bytes, int]] = {
    "small GET": (SMALL, 1),
    "browser GET": (BROWSER, 1),
    "POST 1 KiB": (POST, 1),
    "100 pipelined": (SMALL, 100),
    "chunked 64 KiB": (CHUNKED, 1),
}


def _pounce(reader: RequestReader) -> Run:
    """As a server does it: what arrives between requests goes to ``receive_head()``."""

    def run(wires: Iterable[bytes]) -> int:
        count = 0
        receive_head, take_body = reader.receive_head, reader.take_body
        for wire in wires:
            head = receive_head(wire)
            while head is not None:
                count += 1
                list(head.headers)
                if head.fields.has_body and take_body() is None:
                    b"".join(_content(reader))
                if reader.idle:
                    break
                head = reader.maybe_next_event()  # type: ignore[assignment]  # no body is open
        return count

    return run


def _content(reader: RequestReader) -> Iterator[bytes]:
    while isinstance(event := reader.maybe_next_event(), BodyChunk):
        yield event.data
    assert isinstance(event, EndOfBody)


def pounce_cold() -> Run:
    return _pounce(RequestReader())


def pounce_with_memo() -> Run:
    return _pounce(RequestReader(memo=HeaderMemo()))


def h11_run() -> Run:
    import h11

    def run(wires: Iterable[bytes]) -> int:
        count = 0
        connection = h11.Connection(h11.SERVER)
        for wire in wires:
            connection.receive_data(wire)
            while True:
                event = connection.next_event()
                if isinstance(event, h11.Request):
                    count += 1
                    list(event.headers)
                    event.target.partition(b"?")
                elif isinstance(event, h11.EndOfMessage):
                    # As a server does: a response, or h11 reads no further.
                    connection.send(h11.Response(status_code=204, headers=[]))
                    connection.send(h11.EndOfMessage())
                    connection.start_next_cycle()
                elif event is h11.NEED_DATA:
                    break
        return count

    return run


def httptools_run() -> Run:
    import httptools

    class Protocol:
        def __init__(self) -> None:
            self.parser = httptools.HttpRequestParser(self)
            self.count = 0

        def on_message_begin(self) -> None:
            self.url = b""
            self.headers: Pairs = []
            self.body: list[bytes] = []

        def on_url(self, url: bytes) -> None:
            self.url += url

        def on_header(self, name: bytes, value: bytes) -> None:
            self.headers.append((name.lower(), value))

        def on_headers_complete(self) -> None:
            parser = self.parser
            parsed = httptools.parse_url(self.url)
            self.head = (
                parser.get_method().decode(),
                self.url,
                parsed.path,
                parsed.query or b"",
                parser.get_http_version(),
                parser.should_keep_alive(),
                self.headers,
            )
            self.count += 1

        def on_body(self, body: bytes) -> None:
            self.body.append(body)

        def on_message_complete(self) -> None:
            b"".join(self.body)

    def run(wires: Iterable[bytes]) -> int:
        protocol = Protocol()
        feed_data = protocol.parser.feed_data
        for wire in wires:
            feed_data(wire)
        return protocol.count

    return run


PARSERS: dict[str, tuple[Callable[[], Run], bool]] = {
    "pounce cold": (pounce_cold, False),
    "pounce differing": (pounce_with_memo, True),
    "pounce remembered": (pounce_with_memo, False),
    "httptools": (httptools_run, False),
    "h11": (h11_run, False),
}
"""Name -> how to make it, and whether every head differs."""


def measure(make: Callable[[], Run], wires: list[bytes], requests: int, rounds: int) -> float:
    """Microseconds for one of ``wires``, the best round."""
    best = float("inf")
    for _ in range(rounds):
        run = make()
        started = time.thread_time()
        count = run(wires)
        best = min(best, time.thread_time() - started)
        assert count == requests, f"{count} requests read instead of {requests}"
    return best / len(wires) * 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--json", type=Path)
    arguments = options.parse_args()
    result: dict[str, dict[str, float]] = {}
    print(f"{'us':<18}" + "".join(f"{name:>19}" for name in MESSAGES))
    for name, (make, differing) in PARSERS.items():
        try:
            make()
        except ImportError:
            print(f"{name:<18}   not installed")
            continue
        result[name] = {}
        for message, (template, repeat) in MESSAGES.items():
            number = 500 if len(template) * repeat < 4000 else 50
            wires = [
                b"".join(template % (wire * repeat + part if differing else 0) for part in range(repeat))
                for wire in range(number)
            ]
            result[name][message] = measure(make, wires, number * repeat, arguments.rounds)
        print(f"{name:<18}" + "".join(f"{figure:>19.2f}" for figure in result[name].values()), flush=True)
    if arguments.json:
        about = {
            "python": sys.version,
            "free_threading": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "machine": platform.platform(),
            "command": " ".join(sys.argv),
            "microseconds": result,
        }
        arguments.json.write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
