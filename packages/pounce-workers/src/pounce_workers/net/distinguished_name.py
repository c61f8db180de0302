"""The name of a certificate's subject as one text (RFC 4514)."""

from __future__ import annotations

import re
from typing import Final

from pounce_workers.net.der import Element, object_identifier

__all__ = ["distinguished_name"]

_DESCRIPTORS: Final = {
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "givenName",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.45": "x500UniqueIdentifier",
    "2.5.4.46": "dnQualifier",
}
"""Short names: those of RFC 4514, 3, and others of X.520 and PKCS #9 that are registered for LDAP (RFC 4520, 3.4)."""

_ENCODINGS: Final = {
    12: "utf-8",  # UTF8String
    18: "ascii",  # NumericString
    19: "ascii",  # PrintableString
    20: "latin-1",  # TeletexString, as everybody reads it
    22: "ascii",  # IA5String
    26: "ascii",  # VisibleString
    28: "utf-32-be",  # UniversalString
    30: "utf-16-be",  # BMPString
}
"""How the kinds of text in a DirectoryString and its relatives are encoded, by tag."""

# RFC 4514, 2.4: a space or a number sign at the beginning, a space at the end, and these wherever they are. Controls
# may be written in hexadecimal too, and are, so that a name is one line in a log.
_ESCAPED: Final = re.compile(r'^[ #]|[ ]$|["+,;<>\\]|[\x00-\x1f\x7f]')


def distinguished_name(name: Element) -> str:
    """The text of a Name, its parts in reverse as the RFC has it (2.1); empty for a name without parts.

    Raises:
        ValueError: it is not a Name.
    """
    return ",".join("+".join(map(_attribute, part.children())) for part in reversed(name.children()))


def _attribute(attribute: Element) -> str:
    kind, value = attribute.children()
    oid = object_identifier(kind.content)
    descriptor = _DESCRIPTORS.get(oid)
    text = _text(value) if descriptor else None
    if text is None:  # RFC 4514, 2.4: what has no short name, or is no text, is written as the octets it is
        return f"{descriptor or oid}=#{value.whole.hex()}"
    return f"{descriptor}={_ESCAPED.sub(_escape, text)}"


def _text(value: Element) -> str | None:
    encoding = _ENCODINGS.get(value.tag)
    try:
        return value.content.decode(encoding) if encoding else None
    except UnicodeDecodeError:
        return None


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character >= " " and character != "\x7f" else f"\\{ord(character):02x}"
