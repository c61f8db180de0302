"""What the fields of trusted proxies say of one request, taken together. Pure: the middleware applies it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce_middleware.forwarded import MOST_HOPS, forwarded_for_hops, forwarded_hops
from pounce_middleware.host_value import HostValue, parse_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pounce_middleware.forwarded import Hop
    from pounce_middleware.trusted_networks import TrustedNetworks

__all__ = ["FIELDS", "NOTHING", "ProxyReport", "read_reports"]

FIELDS: Final = {
    "x-forwarded": {
        "for": b"x-forwarded-for",
        "proto": b"x-forwarded-proto",
        "host": b"x-forwarded-host",
        "port": b"x-forwarded-port",
        "prefix": b"x-forwarded-prefix",
    },
    "forwarded": {"for": b"forwarded"},
}
"""The fields of each family, by the part that they tell."""

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

# A path as it is written in a request (RFC 3986, 3.3), of segments that are neither empty nor dots: what is put before
# every path must not lead anywhere else, and two slashes at its beginning would make it another host's in a link. Nor
# control characters: applications put a root path into the fields of their answers, decoded.
_SEGMENT: Final = (
    r"/(?!(?:\.|%2[Ee]){1,2}(?:/|\Z))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?![01]|7[Ff]|2[EeFf]|5[Cc])[0-9A-Fa-f]{2})+"
)
_PREFIX: Final = re.compile(rf"(?:{_SEGMENT})+")
_LONGEST_PREFIX: Final = 512


class ProxyReport(NamedTuple):
    """What is known of a client. None: nothing is, and the request stays as it came."""

    client: tuple[str, int] | None = None
    scheme: str | None = None
    """``http`` or ``https``."""
    host: HostValue | None = None
    port: int | None = None
    prefix: str = ""
    """As it is written in a request: percent-encoded, without a slash at its end."""


NOTHING: Final = ProxyReport()


def read_reports(
    lines: Mapping[str, Sequence[str]],
    *,
    family: str,
    parts: frozenset[str],
    networks: TrustedNetworks,
    hops: int | None,
) -> ProxyReport:
    """``lines`` are the values of the family's fields by part, in the order in which they came."""
    read = forwarded_hops if family == "forwarded" else forwarded_for_hops
    walked = _walk(read(lines.get("for", ())), networks, hops)
    if walked is None:
        return NOTHING
    client = _client_of(walked) if "for" in parts else None
    depth = max(len(walked), 1)
    if family == "forwarded":
        hop = walked[-1] if walked else None
        proto, host = (hop.proto, hop.host) if hop is not None else (None, None)
        port = prefix = None
    else:
        proto, host, port, prefix = (_at(lines.get(part, ()), depth) for part in ("proto", "host", "port", "prefix"))
    return ProxyReport(
        client,
        _SCHEMES.get(proto.lower()) if proto and "proto" in parts else None,
        parse_host(host) if host and "host" in parts else None,
        _port(port) if port and "port" in parts else None,
        _prefix(prefix) if prefix and "prefix" in parts else "",
    )


def _walk(chain: Iterator[Hop | None], networks: TrustedNetworks, hops: int | None) -> list[Hop] | None:
    """The hops that are believed, the nearest first; the last is the client's. None: the chain is too short."""
    walked: list[Hop] = []
    most = hops or MOST_HOPS
    for hop in chain:
        if hop is None:
            break
        walked.append(hop)
        if len(walked) == most:
            break
        if hops is None and (hop.node is None or hop.node.host is None or not networks.lists(hop.node.host)):
            break
    return None if hops is not None and len(walked) < hops else walked


def _client_of(walked: list[Hop]) -> tuple[str, int] | None:
    """The furthest that is known: a proxy that does not tell whom it speaks of leaves us its own address."""
    for hop in reversed(walked):
        if hop.node is not None and hop.node.host is not None:
            return hop.node.host, hop.node.port
    return None


def _at(lines: Sequence[str], depth: int) -> str | None:
    """The element that the proxy of the client's hop has written, if each has added one; else the nearest one's."""
    if not lines:
        return None
    elements = [element for line in lines for part in line.split(",") if (element := part.strip(" \t"))]
    if not elements:
        return None
    return elements[-depth] if len(elements) >= depth else elements[-1]


def _port(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536 else None


def _prefix(text: str) -> str:
    prefix = text.rstrip("/")
    return prefix if len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix) else ""
