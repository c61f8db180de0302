"""What proxies say of the requests that they pass on: ``Forwarded`` (RFC 7239) and the list of ``X-Forwarded-For``.

Both are read from the right, hop by hop, because only there it is known who wrote what: the last element is the nearest
proxy's, and whatever a client sends stands further to the left. Reading stops at the first thing that is not well
formed, so nothing that a client writes can hide or change what a proxy has added to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce_middleware.trusted_networks import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MOST_HOPS", "Hop", "Node", "forwarded_for_hops", "forwarded_hops", "parse_node"]

MOST_HOPS: Final = 32
"""Hops that are looked at. No path has as many proxies; a client can write thousands, each of which takes time."""

_LONGEST_ELEMENT: Final = 2048
_MOST_COMMAS: Final = 16
"""Commas inside the quoted strings of one element. A client can write many, and each is another place to begin at."""

# RFC 7239, 4: forwarded-pair = token "=" value; value = token / quoted-string (RFC 9110, 5.6.2 and 5.6.4)
_TCHARS: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_PAIR: Final = rf"({_TCHARS})=({_TCHARS}|{_QUOTED})"
_ONE_PAIR: Final = re.compile(_PAIR)
# RFC 7239, 4: forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] ). Blanks around the semicolons are in
# no grammar, but proxies write them.
_ELEMENT: Final = re.compile(rf"[ \t]*(?:{_PAIR})?(?:[ \t]*+;[ \t]*+(?:{_PAIR})?)*[ \t]*")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

# RFC 7239, 6: node = nodename [ ":" node-port ]; node-port = 1*5DIGIT / obfport; obf... = "_" 1*(ALPHA DIGIT . _ -)
_NODE: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\]|(?P<ipv4>[0-9.]{7,15})|(?P<hidden>(?i:unknown)|_[A-Za-z0-9._-]+))"
    r"(?::(?:(?P<port>[0-9]{1,5})|_[A-Za-z0-9._-]+))?"
)


class Node(NamedTuple):
    """Who has sent a request to a proxy."""

    host: str | None
    """An address in its usual form; None when the proxy does not know or does not tell it."""
    port: int
    """0 when it is not known."""


class Hop(NamedTuple):
    """What one proxy says of one request."""

    node: Node | None
    """From whom it has it; None when it does not say."""
    proto: str | None = None
    host: str | None = None


def parse_node(text: str, *, bare_ipv6: bool = False) -> Node | None:
    """A node, or None when it is none. ``bare_ipv6`` takes an IPv6 address without brackets, as X-Forwarded-For has."""
    if bare_ipv6 and text.count(":") > 1 and "[" not in text:
        address = parse_address(text)
        return Node(str(address), 0) if address is not None and "%" not in text else None
    match = _NODE.fullmatch(text)
    if match is None:
        return None
    port = int(match["port"] or 0)
    if port > 65535:
        return None
    if match["hidden"]:
        return Node(None, port)
    address = parse_address(match["ipv6"] or match["ipv4"])
    if address is None or (match["ipv6"] and ":" not in match["ipv6"]):
        return None
    return Node(str(address), port)


def forwarded_for_hops(lines: Sequence[str]) -> Iterator[Hop | None]:
    """The hops of X-Forwarded-For, the nearest first; None at its end for one that is not well formed."""
    for element in _from_the_right(lines):
        node = parse_node(element, bare_ipv6=True)
        yield None if node is None else Hop(node)
        if node is None:
            return


def forwarded_hops(lines: Sequence[str]) -> Iterator[Hop | None]:
    """The hops of Forwarded, the nearest first; None at its end for one that is not well formed."""
    # An element that begins at a comma inside a quoted string has an odd number of quotes, or a backslash outside of
    # them, and so is not well formed: where elements begin is certain also from the right.
    for line in reversed(lines):
        end = len(line)
        while end >= 0:
            start = _start_of_last(line, end)
            if start is None:
                yield None
                return
            element = line[start:end]
            end = start - 1
            if element.strip(" \t"):  # empty ones do not count (RFC 9110, 5.6.1.2)
                hop = _hop(element)
                yield hop
                if hop is None:
                    return


def _from_the_right(lines: Sequence[str]) -> Iterator[str]:
    for line in reversed(lines):
        end = len(line)
        while end >= 0:
            start = line.rfind(",", 0, end) + 1
            if element := line[start:end].strip(" \t"):
                yield element
            end = start - 1


def _start_of_last(line: str, end: int) -> int | None:
    """Where the last element before ``end`` begins; None when what is there is not well formed."""
    comma = end
    for _ in range(_MOST_COMMAS):
        comma = line.rfind(",", 0, comma)
        if end - comma > _LONGEST_ELEMENT:
            return None
        if _ELEMENT.fullmatch(line, comma + 1, end):
            return comma + 1
        if comma < 0:
            return None
    return None


def _hop(element: str) -> Hop | None:
    """The pairs of an element. None when one occurs twice (RFC 7239, 4) or its node is none."""
    pairs: dict[str, str] = {}
    for name, value in _ONE_PAIR.findall(element):
        text = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
        if name.lower() in pairs:
            return None
        pairs[name.lower()] = text
    node = parse_node(pairs["for"]) if "for" in pairs else None
    if node is None and "for" in pairs:
        return None
    return Hop(node, pairs.get("proto"), pairs.get("host"))
