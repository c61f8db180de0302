"""Whom a request is counted for: its client's address, what a header field says, or what a function makes of it.

A key is a text, never the address itself: IPv6 clients are counted by network, because whoever has one address there
has as a rule 2**64 of them.
"""

from __future__ import annotations

import importlib
import inspect
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pounce_middleware.coroutine_function import is_coroutine_function

if TYPE_CHECKING:
    from pounce_asgi import WWWScope

__all__ = ["KeyFunction", "address_key", "by_address", "by_header", "checked_key", "key_function"]

KeyFunction = Callable[[Any], "str | None"]
"""Takes a scope; None for one that is not counted."""

WITHOUT_ADDRESS: Final = "unix"
"""The one key of all clients without an address: those of a UNIX socket."""

LONGEST: Final = 256
"""Characters of a header field that tell clients apart; what is longer is cut, so that no key is large."""

_MAPPED: Final = bytes(10) + b"\xff\xff"
"""Before an IPv4 address that a socket for both versions gives (RFC 4291, 2.5.5.2)."""

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""RFC 9110, 5.6.2."""


def address_key(host: str, prefix: int = 64) -> str:
    """The key of an address: IPv4 as it is, IPv6 by its first ``prefix`` bits (0 to 128), a zone left out."""
    if ":" not in host:
        return host or WITHOUT_ADDRESS
    try:
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except (OSError, ValueError):
        return host[:LONGEST]
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    whole, bits = divmod(prefix, 8)
    if bits:
        return f"{packed[:whole].hex()}{packed[whole] >> (8 - bits):02x}/{prefix}"
    return f"{packed[:whole].hex()}/{prefix}"


def by_address(prefix: int = 64) -> KeyFunction:
    """Count for the client's address; clients without one, those of a UNIX socket, share one key."""

    def key(scope: WWWScope) -> str:
        client = scope.get("client")
        return WITHOUT_ADDRESS if client is None else address_key(client[0], prefix)

    return key


def by_header(name: str, otherwise: KeyFunction) -> KeyFunction:
    """Count for the value of a header field; requests without it by ``otherwise``, so that leaving it out gains
    nothing. A header that clients choose freely limits nobody: it must come from a proxy, or be proven elsewhere.
    """
    wanted = name.lower().encode("ascii")

    def key(scope: WWWScope) -> str | None:
        for given, value in scope["headers"]:
            if given == wanted:
                return f"{name}={value[:LONGEST].decode('latin-1')}"
        return otherwise(scope)

    return key


def key_function(text: str, prefix: int = 64) -> KeyFunction:
    """What a setting names: ``client``, ``module:function``, or a header field.

    Raises:
        ValueError: it is none of these, cannot be imported, or would have to be awaited; the message says why.
    """
    if text == "client":
        return by_address(prefix)
    if ":" in text:
        return _imported(text)
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"{text!r} is neither client, nor the name of a header field, nor module:function")
    return by_header(text, by_address(prefix))


def _imported(text: str) -> KeyFunction:
    module, _, names = text.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{text!r} cannot be imported: {error}") from error
    if not callable(found):
        raise ValueError(f"{text!r} is not a function that takes a scope")
    if is_coroutine_function(found):
        raise ValueError(f"{text!r} is a coroutine function; it is called, not awaited")
    return found  # type: ignore[no-any-return]


def checked_key(key: object) -> str | None:
    """What a function of the user's has returned. Anything else would be counted as one client, or as nobody.

    Raises:
        TypeError: it is neither a text nor None.
    """
    if key is None or isinstance(key, str):
        return key
    if inspect.iscoroutine(key):
        key.close()  # else Python warns that nobody has awaited it
    raise TypeError(f"rate_limit_key: the function has returned {type(key).__name__}, neither a text nor None")
