"""Faults that are put into the product, so that each target can show that it finds one: a promise that cannot be broken
is none. Each is a check that is dropped, or a thing that is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAULTS", "Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """``place`` is replaced by what ``change`` makes of it; ``found`` is of the message of the find or of its place."""

    target: str
    place: str
    change: Callable[[Any], Any]
    found: str


def _instead(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _first_byte_lost(feed: Any) -> Any:
    return lambda self, data: feed(self, data[1:] if data[:1] == b"\n" else data)


def _taken_for_whole(_: Any) -> Any:
    return lambda self, error: self.finish_body()


def _nothing(_: Any) -> Any:
    return lambda *_: None


def _upper(parse: Any) -> Any:
    return lambda data: {name.upper(): weight for name, weight in parse(data).items()}


def _one_more(size_of: Any) -> Any:
    def too_large(data: bytes) -> int | None:
        size: int | None = size_of(data)
        return size and size + 1

    return too_large


_EXCHANGE: Final = "pounce_asgi.http_exchange.HttpExchange"

FAULTS: Final = (
    Fault("http1", "pounce_http1.reader.RequestReader.receive_data", _first_byte_lost, "http1_requests.py"),
    Fault("h11", "pounce_http1.h11_engine.H11RequestReader.receive_data", _first_byte_lost, "http1_requests.py"),
    Fault(
        "http1-connection",
        "pounce_workers.serving.http1_answers.CONNECTION_CLOSE",
        _instead(b""),
        "http1_connections.py",
    ),
    Fault(
        "http1-connection", "pounce_workers.serving.http1_answers.LAST_CHUNK", _instead(b"0\r\n"), "illegal header line"
    ),
    Fault("http1-connection", f"{_EXCHANGE}.client_gone", _nothing, "left"),
    Fault("http1-connection", f"{_EXCHANGE}.fail_request", _taken_for_whole, "looks complete"),
    Fault("http2", f"{_EXCHANGE}.client_gone", _nothing, "tasks"),
    Fault("http2-connection", f"{_EXCHANGE}.client_gone", _nothing, "left"),
    Fault("http2-connection", f"{_EXCHANGE}.feed", lambda feed: lambda self, data: feed(self, data[1:]), "body"),
    Fault("http3", f"{_EXCHANGE}.client_gone", _nothing, "tasks"),
    Fault("qpack", "pounce_h3.engine.qh3_codec._Qh3.encoder_stream", _instead(()), "encoder with qpack data"),
    Fault("quic", "pounce_h3.directory.Directory._unlearn", _nothing, "IDs are left"),
    Fault("quic", "pounce_h3.newcomers.version_negotiation", _instead(lambda *_: bytes(4000)), "more than three times"),
    Fault("accept-encoding", "tests.fuzz.negotiation.accepted_codings", _upper, "negotiation.py"),
    Fault("proxy", "tests.fuzz.proxy_headers.maybe_header_size", _one_more, "proxy_headers.py"),
)
