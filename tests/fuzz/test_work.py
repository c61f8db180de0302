"""No input of n bytes costs more than in proportion to n: what is doubled costs at most about twice as much.

Lines of Python that are run are counted, which is the same on every machine; and where the work is within one call (of
a regular expression, above all), processor time is compared between sizes that are far apart, so that noise decides
nothing: for sixteen times the bytes, 128 times the time is far from linear, and from the 256 times of a square.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_compression import negotiate
from pounce_http1 import Limits, RemoteProtocolError, RequestReader
from pounce_http1.target import is_valid_host
from pounce_middleware.forwarded import forwarded_for_hops, forwarded_hops
from pounce_middleware.static.preconditions import Conditions, evaluate
from pounce_middleware.static.ranges import Unsatisfiable, parse_range
from pounce_workers.net.proxy_protocol import ProxyHeaderError, maybe_header_size, parse_proxy_header
from tests.fuzz.addresses import ADDRESSES
from tests.fuzz.conditional_requests import CONDITIONAL_REQUESTS
from tests.fuzz.forwarding import FORWARDING
from tests.fuzz.http1_requests import HTTP1_REQUESTS
from tests.fuzz.negotiation import NEGOTIATION
from tests.fuzz.proxy_headers import PROXY_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGE = Limits(
    limit_request_line=10**6,
    limit_request_field_size=10**6,
    limit_request_header_size=10**6,
    limit_request_fields=10**6,
    limit_chunk_extension=10**6,
    limit_trailer_size=10**6,
)


def _read_requests(data: bytes) -> None:
    reader = RequestReader(LARGE)
    with contextlib.suppress(RemoteProtocolError):
        for start in range(0, len(data), 1000):
            reader.receive_data(data[start : start + 1000])
            while reader.maybe_next_event() is not None:
                pass


def _read_forwarded(data: bytes) -> None:
    text = data.decode("latin-1")
    list(forwarded_hops([text]))
    list(forwarded_for_hops([text]))


def _read_conditions(data: bytes) -> None:
    text = data.decode("latin-1")
    with contextlib.suppress(Unsatisfiable):
        parse_range(text, 1000)
    evaluate(Conditions(if_match=text, if_none_match=text), etag='"b"', modified=0)
    evaluate(Conditions(if_unmodified_since=text, if_modified_since=text), etag='"b"', modified=0)


def _read_proxy_header(data: bytes) -> None:
    with contextlib.suppress(ProxyHeaderError):
        size = maybe_header_size(data)
        if size is not None:
            parse_proxy_header(data[:size])


READERS: list[tuple[Any, Callable[[bytes], object]]] = [
    (HTTP1_REQUESTS, _read_requests),
    (ADDRESSES, is_valid_host),
    (NEGOTIATION, lambda data: negotiate(data, ("br", "gzip"))),
    (FORWARDING, _read_forwarded),
    (CONDITIONAL_REQUESTS, _read_conditions),
    (PROXY_HEADERS, _read_proxy_header),
]
CASES = [
    pytest.param(read, shape, id=f"{target.name}-{index}")
    for target, read in READERS
    for index, shape in enumerate(target.shapes)
]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _lines(read: Callable[[bytes], object], data: bytes) -> int:
    count = 0

    def trace(*_: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read(data)
    finally:
        sys.settrace(before)
    return count


def _seconds(read: Callable[[bytes], object], data: bytes) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()
        read(data)
        best = min(best, time.thread_time() - start)
    return best


@pytest.mark.parametrize(("read", "shape"), CASES)
def test_work_is_in_proportion(read: Callable[[bytes], object], shape: Callable[[int], bytes]) -> None:
    read(shape(100))
    small, large = _lines(read, shape(1000)), _lines(read, shape(2000))
    assert large <= 2.3 * small + 60
    ratios = []
    for _ in range(3):  # a machine that does something else meanwhile
        short, long = _seconds(read, shape(2000)), _seconds(read, shape(32_000))
        ratios.append(long / max(short, 0.000_02))
        if ratios[-1] <= 64:
            break
    assert min(ratios) <= 128, ratios
