"""What the server has to know of a certificate: whom it is for, how long it is valid, whose it is (RFC 5280).

Nothing is verified here; OpenSSL does that. Python's ssl module tells none of this about the server's own certificate.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import Final

from pounce_workers.net.der import Element, first_element
from pounce_workers.net.distinguished_name import distinguished_name

__all__ = ["Certificate", "read_certificate", "read_subject"]

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_DNS_NAME: Final = 0x82
_IP_ADDRESS: Final = 0x87

_SUBJECT_ALT_NAME: Final = bytes.fromhex("551d11")
"""2.5.29.17 (RFC 5280, 4.2.1.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate."""

    der: bytes
    subject: str
    """As RFC 4514 writes it."""
    not_before: datetime.datetime
    not_after: datetime.datetime
    """Both with a time zone."""
    dns_names: tuple[str, ...]
    """Those of subjectAltName, as they stand there. The common name is none (RFC 9525, 2)."""
    ip_addresses: tuple[str, ...]

    @property
    def names(self) -> str:
        """Whom it is for, in words for a log."""
        return ", ".join((*self.dns_names, *self.ip_addresses)) or self.subject or "no name"


def read_certificate(data: bytes) -> Certificate:
    """Read a certificate in DER form. What follows it is left alone.

    Raises:
        ValueError: it is not one.
    """
    whole = first_element(data)
    fields = _fields(whole)
    not_before, not_after = map(_time, fields[3].children())
    names = [name for field in fields[6:] if field.tag == _EXTENSIONS for name in _alternative_names(field)]
    return Certificate(
        der=whole.whole,
        subject=distinguished_name(fields[4]),
        not_before=not_before,
        not_after=not_after,
        dns_names=tuple(name.content.decode("ascii", "replace") for name in names if name.tag == _DNS_NAME),
        ip_addresses=tuple(
            str(ipaddress.ip_address(name.content))
            for name in names
            if name.tag == _IP_ADDRESS and len(name.content) in (4, 16)
        ),
    )


def read_subject(data: bytes) -> str:
    """Only the subject of a certificate in DER form, as RFC 4514 writes it.

    Raises:
        ValueError: it is not a certificate, or its subject is not a name.
    """
    return distinguished_name(_fields(first_element(data))[4])


def _fields(certificate: Element) -> list[Element]:
    """RFC 5280, 4.1: TBSCertificate ::= SEQUENCE { version [0] OPTIONAL, serialNumber, signature, issuer, validity,
    subject, subjectPublicKeyInfo, ..., extensions [3] OPTIONAL }, without its version.
    """
    if certificate.tag != _SEQUENCE:
        raise ValueError("this is not a certificate")
    signed, *_ = certificate.children()
    fields = signed.children()
    if fields and fields[0].tag == _VERSION:
        del fields[0]
    if len(fields) < 6:
        raise ValueError("this is not a certificate")
    return fields


def _time(element: Element) -> datetime.datetime:
    """RFC 5280, 4.1.2.5: YYMMDDHHMMSSZ, of which 50 and above is of the last century, or YYYYMMDDHHMMSSZ."""
    text = element.content.decode("ascii")
    if element.tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif element.tag != _GENERALIZED_TIME:
        raise ValueError("this is not a time")
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.UTC)


def _alternative_names(extensions: Element) -> list[Element]:
    """RFC 5280, 4.2: Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }."""
    (series,) = extensions.children()
    for extension in series.children():
        identifier, *_, value = extension.children()
        if identifier.content == _SUBJECT_ALT_NAME:
            return first_element(value.content).children()
    return []
