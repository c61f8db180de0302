"""Certificates for the tests of TLS, made on the spot, and handshakes without sockets."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

TODAY: Final = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY: Final = datetime.timedelta(days=1)


_KEYS: dict[int, ec.EllipticCurvePrivateKey] = {}


def key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """One of several keys, made once for all tests."""
    return _KEYS.setdefault(number, _KEYS.get(number) or ec.generate_private_key(ec.SECP256R1()))


@functools.cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def key_pem(private: Any, password: str | None = None, *, traditional: bool = False) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    pem: bytes = private.private_bytes(serialization.Encoding.PEM, form, encryption)
    return pem


def certificate(
    *names: str,
    subject: x509.Name | None = None,
    private: Any = None,
    issuer: Authority | None = None,
    begin: datetime.datetime = TODAY - DAY,
    end: datetime.datetime = TODAY + 30 * DAY,
    authority: bool = False,
) -> x509.Certificate:
    """A certificate; signed by itself if nobody issues it. Names that are addresses are IP names."""
    private = private or key()
    common = [x509.NameAttribute(NameOID.COMMON_NAME, names[0])] if names else []
    subject = x509.Name(common) if subject is None else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    return builder.sign(issuer.private if issuer else private, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass
class Authority:
    """Somebody who issues certificates."""

    certificate: x509.Certificate
    private: Any

    @classmethod
    def make(cls, name: str = "the authority", number: int = 9, issuer: Authority | None = None) -> Authority:
        return cls(certificate(name, private=key(number), issuer=issuer, authority=True), key(number))


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def der(one: x509.Certificate) -> bytes:
    return one.public_bytes(serialization.Encoding.DER)


@dataclass
class Pair:
    """A certificate and its key, in files."""

    certfile: str
    keyfile: str
    certificate: x509.Certificate


def write_pair(folder: Path, stem: str, *names: str, number: int = 0, **options: Any) -> Pair:
    """Write ``stem.pem`` and ``stem.key``."""
    made = certificate(*names, private=key(number), **options)
    paths = folder / f"{stem}.pem", folder / f"{stem}.key"
    paths[0].write_bytes(pem(made))
    paths[1].write_bytes(key_pem(key(number)))
    return Pair(str(paths[0]), str(paths[1]), made)


def client_context(trusted: bytes | None = None) -> ssl.SSLContext:
    """A client's side: it takes any certificate, or those of the trusted PEM text."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trusted is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=trusted.decode())
    return context


def handshake(
    server: ssl.SSLContext,
    client: ssl.SSLContext | None = None,
    name: str | None = None,
    session: ssl.SSLSession | None = None,
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after a handshake in memory: the server's, the client's. Raises what either end raises."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(up, down, server_side=True)
    theirs = (client or client_context()).wrap_bio(down, up, server_hostname=name, session=session)
    waiting = [theirs, ours]
    for _ in range(20):
        for one in list(waiting):
            try:
                one.do_handshake()
                waiting.remove(one)
            except ssl.SSLWantReadError:
                pass
        if not waiting:
            break
    ours.write(b"x")  # in TLS 1.3 the client hears of a refusal, and of tickets, only now
    assert theirs.read(1) == b"x"
    return ours, theirs
