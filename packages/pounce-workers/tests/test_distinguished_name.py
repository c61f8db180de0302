"""Names as RFC 4514 writes them, beside what openssl makes of them."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from certificates import certificate, der
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from pounce_workers.net.certificate import read_subject

CN, O, OU, C, DC, UID = (  # noqa: E741 - as everybody calls them
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COUNTRY_NAME,
    NameOID.DOMAIN_COMPONENT,
    NameOID.USER_ID,
)
OWN = x509.ObjectIdentifier("1.3.6.1.4.1.311.99999")

Part = list[tuple[x509.ObjectIdentifier, str]]


def name(*parts: Part, kind: _ASN1Type | None = None) -> x509.Name:
    return x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(oid, value, kind) for oid, value in part])
            for part in parts
        ]
    )


CASES = [
    (name(), ""),
    (name([(CN, "alice")]), "CN=alice"),
    (name([(C, "DE")], [(O, "Example")], [(CN, "alice")]), "CN=alice,O=Example,C=DE"),
    # RFC 4514, 4
    (name([(DC, "net")], [(DC, "example")], [(UID, "jsmith")]), "UID=jsmith,DC=example,DC=net"),
    (name([(DC, "net")], [(CN, 'James "Jim" Smith, III')]), 'CN=James \\"Jim\\" Smith\\, III,DC=net'),
    (name([(CN, "Lučić")]), "CN=Lučić"),
    (name([(CN, " #a+b;c<d>e\\ ")]), "CN=\\ #a\\+b\\;c\\<d\\>e\\\\\\ "),
    (name([(CN, "#a #b")]), "CN=\\#a #b"),
    (name([(CN, " ")]), "CN=\\ "),
    (name([(CN, "a=b/c")]), "CN=a=b/c"),
    (name([(CN, "before\rafter\n\x7f\0")]), "CN=before\\0dafter\\0a\\7f\\00"),
    (name([(CN, "日本")], kind=_ASN1Type.BMPString), "CN=日本"),
    (name([(CN, "日本")], kind=_ASN1Type.UniversalString), "CN=日本"),
    (name([(CN, "plain")], kind=_ASN1Type.PrintableString), "CN=plain"),
    (name([(NameOID.EMAIL_ADDRESS, "a@example.org")]), "emailAddress=a@example.org"),
    (name([(NameOID.SERIAL_NUMBER, "42")]), "serialNumber=42"),
    (name([(OWN, "abc")]), "1.3.6.1.4.1.311.99999=#0c03616263"),
]


@pytest.mark.parametrize(("subject", "text"), CASES)
def test_text(subject: x509.Name, text: str) -> None:
    assert read_subject(der(certificate(subject=subject))) == text


def test_several_attributes_in_one_part() -> None:
    text = read_subject(der(certificate(subject=name([(O, "x")], [(CN, "a"), (OU, "b")]))))
    part, rest = text.split(",")  # DER sorts a set
    assert set(part.split("+")) == {"CN=a", "OU=b"}
    assert rest == "O=x"


OPENSSL = shutil.which("openssl") if sys.platform == "linux" else None  # elsewhere it may be another program


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not here")
@pytest.mark.parametrize("subject", [case[0] for case in CASES])
def test_as_openssl_writes_it(subject: x509.Name) -> None:
    options = "RFC2253,-esc_msb,utf8"  # RFC 4514 lets what is beyond ASCII stand
    line = [str(OPENSSL), "x509", "-inform", "der", "-noout", "-subject", "-nameopt", options]
    made = der(certificate(subject=subject))
    said = subprocess.run(line, input=made, capture_output=True, check=True).stdout.decode()
    assert read_subject(made).lower() == said.removeprefix("subject=").removesuffix("\n").lower()
