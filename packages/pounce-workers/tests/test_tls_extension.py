"""What applications learn of a connection, beside what the cryptography library and both ends say."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, certificate, client_context, handshake, key, key_pem, pem, write_pair
from cryptography import x509
from cryptography.x509.oid import NameOID

from pounce_workers.net.tls_context import ServerContext, build_contexts
from pounce_workers.net.tls_extension import tls_extension
from pounce_workers.tls_settings import TlsCertificate, TlsSettings

if TYPE_CHECKING:
    from pathlib import Path

SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example, Inc."),
        x509.NameAttribute(NameOID.COMMON_NAME, "alice"),
    ]
)
NUMBERS = {  # RFC 8446, B.4; RFC 5289, 3.2; RFC 7905, 2
    "TLS_AES_128_GCM_SHA256": 0x1301,
    "TLS_AES_256_GCM_SHA384": 0x1302,
    "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B,
    "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C,
    "ECDHE-ECDSA-CHACHA20-POLY1305": 0xCCA9,
}


class Scene:
    """A server with two certificates and its clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Authority.make("root", 5)
        self.below = Authority.make("below", 6, self.root)
        self.alien = Authority.make("alien", 7)
        (folder / "ca.pem").write_bytes(pem(self.root.certificate))
        self.first = write_pair(folder, "first", "example.org")
        self.second = write_pair(folder, "second", "other.org", number=1)

    def server(self, mode: str = "none", **settings: Any) -> ServerContext:
        (context, *_), _ = build_contexts(
            TlsSettings(
                ssl_certfile=self.first.certfile,
                ssl_keyfile=self.first.keyfile,
                ssl_certificate=(TlsCertificate(certfile=self.second.certfile, keyfile=self.second.keyfile),),
                ssl_ca_certs=str(self.folder / "ca.pem"),
                ssl_cert_reqs=mode,  # type: ignore[arg-type]
                **settings,
            ),
            ("http/1.1",),
        )
        return context

    def client(self, *more: x509.Certificate) -> ssl.SSLContext:
        self.alice = certificate("alice", subject=SUBJECT, private=key(8), issuer=self.below)
        (self.folder / "client.pem").write_bytes(pem(self.alice, *more) + key_pem(key(8)))
        context = client_context()
        context.load_cert_chain(self.folder / "client.pem")
        return context


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_without_a_certificate_of_the_client(scene: Scene) -> None:
    ours, theirs = handshake(scene.server())
    seen = tls_extension(ours)
    assert seen == {
        "server_cert": pem(scene.first.certificate).decode(),
        "client_cert_chain": (),
        "client_cert_name": None,
        "client_cert_error": None,
        "tls_version": 0x0304,
        "cipher_suite": NUMBERS[(theirs.cipher() or ("",))[0]],
    }


def test_the_certificate_is_that_which_was_used(scene: Scene) -> None:
    ours, theirs = handshake(scene.server(), name="other.org")
    used = x509.load_der_x509_certificate(theirs.getpeercert(binary_form=True) or b"")
    assert tls_extension(ours)["server_cert"] == pem(used).decode() == pem(scene.second.certificate).decode()


@pytest.mark.parametrize("suite", [name for name in NUMBERS if name.startswith("ECDHE")])
def test_suites_of_1_2(scene: Scene, suite: str) -> None:
    client = client_context()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    ours, _ = handshake(scene.server(ssl_ciphers=suite), client)
    seen = tls_extension(ours)
    assert (seen["tls_version"], seen["cipher_suite"]) == (0x0303, NUMBERS[suite])


def test_numbers_of_all_suites(scene: Scene) -> None:
    suites = scene.server().cipher_suites
    assert NUMBERS.items() <= suites.items()
    assert all(0 < number <= 0xFFFF for number in suites.values())


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("mode", ["optional", "required"])
def test_the_client_and_those_between(scene: Scene, mode: str, newest: ssl.TLSVersion) -> None:
    client = scene.client(scene.below.certificate)
    client.maximum_version = newest
    ours, _ = handshake(scene.server(mode), client)
    seen = tls_extension(ours)
    assert seen["client_cert_chain"] == (pem(scene.alice).decode(), pem(scene.below.certificate).decode())
    assert seen["client_cert_name"] == "CN=alice,O=Example\\, Inc.,C=DE" == scene.alice.subject.rfc4514_string()
    assert seen["client_cert_error"] is None


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (["below", "root"], ["alice", "below", "root"]),
        (["alien", "below"], ["alice", "below"]),  # what has signed nothing here
        (["below", "alien", "alien"], ["alice", "below"]),
    ],
)
def test_only_what_leads_on_from_the_client(scene: Scene, sent: list[str], told: list[str]) -> None:
    named = {"below": scene.below.certificate, "root": scene.root.certificate, "alien": scene.alien.certificate}
    ours, _ = handshake(scene.server("required"), scene.client(*(named[one] for one in sent)))
    named["alice"] = scene.alice
    assert tls_extension(ours)["client_cert_chain"] == tuple(pem(named[one]).decode() for one in told)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_still_has_its_client(scene: Scene, newest: ssl.TLSVersion) -> None:
    server, client = scene.server("required"), scene.client(scene.below.certificate)
    client.maximum_version = newest
    _, theirs = handshake(server, client)
    ours, again = handshake(server, client, session=theirs.session)
    assert again.session_reused
    seen = tls_extension(ours)
    assert next(iter(seen["client_cert_chain"])) == pem(scene.alice).decode()
    assert seen["client_cert_name"] == "CN=alice,O=Example\\, Inc.,C=DE"
    assert seen["tls_version"] == (0x0303 if newest is ssl.TLSVersion.TLSv1_2 else 0x0304)


def test_a_context_of_somebody_else(scene: Scene) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(scene.first.certfile, scene.first.keyfile)
    ours, _ = handshake(context)
    seen = tls_extension(ours)
    assert (seen["server_cert"], seen["cipher_suite"], seen["tls_version"]) == (None, None, 0x0304)
