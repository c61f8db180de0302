"""Which content coding a client wants: ``Accept-Encoding`` of RFC 9110, 12.5.3, with the weights of 12.4.2.

Pure functions of bytes. Whatever the field says, nothing here raises: a member that is no member is left out, and a
field of absurd length says nothing. The work is linear in a bounded number of bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["IDENTITY", "accepted_codings", "identity_is_refused", "negotiate"]

IDENTITY: Final = "identity"

MAX_FIELD: Final = 2048
"""Bytes of a field that is read; browsers send about 30. A longer one is treated as if it accepted nothing special."""

_FULL: Final = 1000
_ALIASES: Final = {"x-gzip": "gzip", "x-compress": "compress"}  # RFC 9110, 8.4.1.1 and 8.4.1.3
_BY_NAME_ONLY: Final = frozenset({"dcz", "dcb"})
"""RFC 9842: only a client that names them knows dictionaries; ``*`` from an old one does not mean them."""

# RFC 9110: codings = content-coding / "identity" / "*"; weight = OWS ";" OWS "q=" qvalue;
# qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ). Every quantifier is followed by what it cannot match.
_MEMBER: Final = re.compile(
    rb"[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)


def negotiate(accept_encoding: str | bytes | None, available: Sequence[str]) -> str | None:
    """The coding to answer with: of those with the highest weight, the one that ``available`` names first.

    ``available`` are the codings that the server can make, best first, without identity. The answer is one of them,
    or ``"identity"``: that is chosen when nothing else is acceptable, when the client weighs it higher, or when there
    is no field at all. None means that nothing is acceptable, not even identity (``identity;q=0`` or ``*;q=0``).
    Several lines of the field are joined by commas before (RFC 9110, 5.3).
    """
    if accept_encoding is None:
        return IDENTITY
    weights = accepted_codings(accept_encoding)
    best, best_weight = None, 0
    for coding in available:
        weight = _weight(weights, coding)
        if weight > best_weight:
            best, best_weight = coding, weight
    if best is None:
        return None if identity_is_refused(weights) else IDENTITY
    # Unlisted, identity is acceptable but never wished for; listed, it has its own weight and loses a draw.
    identity = weights.get(IDENTITY, weights.get("*", 0))
    return IDENTITY if identity > best_weight else best


def accepted_codings(accept_encoding: str | bytes) -> dict[str, int]:
    """Each coding that a field names, in lower case, with its weight in thousandths; ``*`` among them.

    A coding that is named twice has the lower weight, so that one that is refused anywhere is not used.
    """
    field = accept_encoding.encode("latin-1", "replace") if isinstance(accept_encoding, str) else accept_encoding
    weights: dict[str, int] = {}
    if len(field) > MAX_FIELD:
        return weights
    for member in field.split(b","):
        match = _MEMBER.fullmatch(member)
        if match is None:
            continue
        name = match[1].decode("ascii").lower()
        name = _ALIASES.get(name, name)
        weight = _FULL if match[2] is None else _thousandths(match[2])
        weights[name] = min(weight, weights.get(name, _FULL))
    return weights


def identity_is_refused(weights: Mapping[str, int]) -> bool:
    """Whether a client does not take content as it is: ``identity;q=0``, or ``*;q=0`` without a word on identity."""
    return weights.get(IDENTITY, weights.get("*", 1)) == 0


def _weight(weights: Mapping[str, int], coding: str) -> int:
    weight = weights.get(coding)
    if weight is None:
        return 0 if coding in _BY_NAME_ONLY else weights.get("*", 0)
    return weight


def _thousandths(qvalue: bytes) -> int:
    whole, _, fraction = qvalue.partition(b".")
    return int(whole) * _FULL + int(fraction.ljust(3, b"0"))
