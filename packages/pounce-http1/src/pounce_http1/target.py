"""The four forms of a request target (RFC 9112, 3.2) and what a valid host is (RFC 9110, 7.2)."""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple

from pounce_http1.errors import InvalidTarget, UnsupportedMethod, quote
from pounce_http1.grammar import HOST, TARGET_BYTES, USUAL_HOST

__all__ = ["Target", "is_valid_host", "parse_target"]

_MAX_PORT: Final = 65_535
_SCHEMES: Final = (b"http", b"https")


class Target(NamedTuple):
    """A request target taken apart."""

    raw_path: bytes
    """The path as sent; ``b"*"`` for the asterisk form."""

    query_string: bytes
    """What follows the first question mark."""

    authority: bytes | None
    """What replaces Host: given by the absolute form alone."""


def parse_target(method: str, target: bytes) -> Target:
    """Tell the form of a target and take it apart.

    Raises InvalidTarget (400) for everything that is none of the forms, or a form that the method does not allow, and
    UnsupportedMethod (501) for a well-formed CONNECT.
    """
    if not target or target.translate(TARGET_BYTES) != target:
        raise InvalidTarget(f"request target must be visible ASCII without a fragment, got {quote(target)}")
    if method == "CONNECT":
        return _refuse_connect(target)
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return Target(path, query, None)
    if target == b"*":
        return _asterisk_form(method)
    return _absolute_form(method, target)


def is_valid_host(host: bytes) -> bool:
    """Whether these bytes are ``uri-host [ ":" port ]`` with a host that is not empty and a port that exists."""
    if USUAL_HOST.fullmatch(host) is not None:
        return True
    match = HOST.fullmatch(host)
    if match is None:
        return False
    ipv6, port = match["ipv6"], match["port"]
    if ipv6 is not None and not _is_ipv6(ipv6):
        return False
    return not port or int(port) <= _MAX_PORT


def _is_ipv6(address: bytes) -> bool:
    try:
        ipaddress.IPv6Address(address.decode("ascii"))
    except ValueError:
        return False
    return True


def _refuse_connect(target: bytes) -> Target:
    """authority-form = uri-host ":" port (RFC 9112, 3.2.3): the port is not optional."""
    _, colon, port = target.rpartition(b":")
    if not colon or not port.isdigit() or not is_valid_host(target):
        raise InvalidTarget(f"CONNECT needs host:port as its target, got {quote(target)}")
    raise UnsupportedMethod("CONNECT is for proxies; this is an origin server")


def _asterisk_form(method: str) -> Target:
    """asterisk-form = "*" (RFC 9112, 3.2.4): the server as a whole, for OPTIONS only."""
    if method != "OPTIONS":
        raise InvalidTarget("only OPTIONS may have the target '*'")
    return Target(b"*", b"", None)


def _absolute_form(method: str, target: bytes) -> Target:
    """absolute-form = absolute-URI (RFC 9112, 3.2.2), of which only http and https name resources here.

    User information before the host is refused (RFC 9110, 4.2.4), and so is an empty host (RFC 9110, 4.2.1).
    """
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() not in _SCHEMES:
        raise InvalidTarget(f"request target must start with '/', 'http://' or 'https://', got {quote(target)}")
    before_query, question, query = rest.partition(b"?")
    authority, slash, path = before_query.partition(b"/")
    if not is_valid_host(authority):
        raise InvalidTarget(f"request target has no valid host: {quote(target)}")
    if slash or question or method != "OPTIONS":
        return Target(b"/" + path, query, authority)
    return Target(b"*", b"", authority)  # RFC 9112, 3.2.4: OPTIONS on the empty path means the server as a whole
