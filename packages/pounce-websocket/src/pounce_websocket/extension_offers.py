"""The grammar of Sec-WebSocket-Extensions (RFC 6455, 9.1), and permessage-deflate chosen from it (RFC 7692, 7.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DeflateParameters", "ExtensionOffer", "choose_deflate", "parse_extension_offers"]

SERVER_WINDOW_BITS: Final = 12
CLIENT_WINDOW_BITS: Final = 12
# With windows of 4 KiB and a small hash a connection holds about 32 KiB to compress and 12 KiB to decompress; with
# zlib's usual 32 KiB it would hold 300 KiB, and messages are hardly smaller.
LARGEST_WINDOW_BITS: Final = 15
SMALLEST_RAW_WINDOW_BITS: Final = 9
"""zlib compresses no raw stream with a window of 256 bytes."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_NAME: Final = re.compile(rb"[ \t]*(%b)[ \t]*" % _TOKEN)
# extension-param = token [ "=" (token | quoted-string) ], what is quoted being a token as well (RFC 6455, 9.1)
_PARAMETER: Final = re.compile(rb';[ \t]*(%b)[ \t]*(?:=[ \t]*(?:(%b)|"(%b)")[ \t]*)?' % (_TOKEN, _TOKEN, _TOKEN))
_EMPTY: Final = re.compile(rb"[ \t]*(?=,|\Z)")
_WINDOW_BITS: Final = re.compile(rb"[89]|1[0-5]")


class ExtensionOffer(NamedTuple):
    """An extension that the client offers, by its name in lower case."""

    name: bytes
    parameters: tuple[tuple[bytes, bytes | None], ...]


class DeflateParameters(NamedTuple):
    """permessage-deflate as it was agreed on."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_window_bits: int = SERVER_WINDOW_BITS
    """Of what we compress; never more than the client allows."""
    client_window_bits: int = LARGEST_WINDOW_BITS
    """Of what the client compresses."""
    response: bytes = b"permessage-deflate"
    """The element of Sec-WebSocket-Extensions that tells the client."""


def parse_extension_offers(values: Iterable[bytes]) -> list[ExtensionOffer]:
    """The offers in all Sec-WebSocket-Extensions fields, in order.

    Raises:
        ValueError: a field does not follow the grammar.
    """
    offers: list[ExtensionOffer] = []
    for value in values:
        position = 0
        while True:
            empty = _EMPTY.match(value, position)
            if empty is not None:
                position = empty.end()
            else:
                offer, position = _parse_offer(value, position)
                offers.append(offer)
            if position == len(value):
                break
            if value[position] != 0x2C:  # a comma
                raise ValueError("an extension is followed by something other than a comma")
            position += 1
    return offers


def _parse_offer(value: bytes, position: int) -> tuple[ExtensionOffer, int]:
    name = _NAME.match(value, position)
    if name is None:
        raise ValueError("an extension has no name")
    position = name.end()
    parameters: list[tuple[bytes, bytes | None]] = []
    while (found := _PARAMETER.match(value, position)) is not None:
        position = found.end()
        parameters.append((found[1].lower(), found[2] if found[2] is not None else found[3]))
    return ExtensionOffer(name[1].lower(), tuple(parameters)), position


def choose_deflate(offers: Iterable[ExtensionOffer]) -> DeflateParameters | None:
    """What is agreed on: the first offer of permessage-deflate that can be kept to, or None (RFC 7692, 5)."""
    for offer in offers:
        if offer.name == b"permessage-deflate":
            parameters = dict(offer.parameters)
            if len(parameters) == len(offer.parameters):  # none twice
                chosen = _accept_offer(parameters)
                if chosen is not None:
                    return chosen
    return None


def _accept_offer(offered: Mapping[bytes, bytes | None]) -> DeflateParameters | None:
    """The parameters that answer one offer; None for one that is invalid, or asks for what zlib has not."""
    response = [b"permessage-deflate"]
    server_bits, client_bits = SERVER_WINDOW_BITS, LARGEST_WINDOW_BITS
    for name, value in offered.items():
        if name in (b"server_no_context_takeover", b"client_no_context_takeover"):
            if value is not None:
                return None
            response.append(name)
        elif name == b"server_max_window_bits":
            if value is None or not _WINDOW_BITS.fullmatch(value) or int(value) < SMALLEST_RAW_WINDOW_BITS:
                return None
            server_bits = min(server_bits, int(value))
            response.append(b"%b=%d" % (name, server_bits))
        elif name == b"client_max_window_bits":
            if value is not None and not _WINDOW_BITS.fullmatch(value):
                return None
            client_bits = min(CLIENT_WINDOW_BITS, int(value or LARGEST_WINDOW_BITS))
            response.append(b"%b=%d" % (name, client_bits))
        else:
            return None
    return DeflateParameters(
        b"server_no_context_takeover" in offered,
        b"client_no_context_takeover" in offered,
        server_bits,
        client_bits,
        b"; ".join(response),
    )
