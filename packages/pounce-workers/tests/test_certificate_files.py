"""What is said about files of certificates and keys that are not what they should be."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import pytest
from certificates import Authority, Pair, certificate, der, key, key_pem, pem, rsa_key, write_pair
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from pounce_asgi import ConfigError
from pounce_workers.net import certificate_files
from pounce_workers.net.certificate_files import CertificateFiles, load_authorities, load_certificate
from pounce_workers.tls_settings import TlsCertificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def files(certfile: str, keyfile: str | None = None, password: str | None = None) -> CertificateFiles:
    one = TlsCertificate(certfile=certfile, keyfile=keyfile, keyfile_password=password)
    return CertificateFiles(certificate=one, cert_setting="ssl_certfile", key_setting="ssl_keyfile")


def new_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path, "a", "example.org")


@pytest.mark.parametrize("password", [None, "not needed"])
def test_a_pair(pair: Pair, password: str | None) -> None:
    loaded = load_certificate(new_context(), files(pair.certfile, pair.keyfile, password))
    assert loaded.dns_names == ("example.org",)
    assert loaded.der == der(pair.certificate)


def test_both_in_one_file(tmp_path: Path) -> None:
    one = tmp_path / "both.pem"
    one.write_bytes(
        b"Subject: x\n" + key_pem(key()) + pem(certificate("example.org")) + pem(Authority.make().certificate)
    )
    assert load_certificate(new_context(), files(str(one))).dns_names == ("example.org",)


def test_the_old_label(tmp_path: Path, pair: Pair) -> None:
    old = tmp_path / "old.pem"
    old.write_bytes(pem(pair.certificate).replace(b" CERTIFICATE", b" X509 CERTIFICATE"))
    assert load_certificate(new_context(), files(str(old), pair.keyfile)).der == der(pair.certificate)


@pytest.mark.parametrize("traditional", [False, True])
def test_passwords(tmp_path: Path, pair: Pair, traditional: bool) -> None:
    locked = tmp_path / "locked.key"
    locked.write_bytes(key_pem(key(), "sesame", traditional=traditional))
    assert load_certificate(new_context(), files(pair.certfile, str(locked), "sesame")).der == der(pair.certificate)
    for password in (None, ""):
        with pytest.raises(ConfigError) as missing:
            load_certificate(new_context(), files(pair.certfile, str(locked), password))
        assert str(missing.value) == (
            f"ssl_keyfile: the private key in {locked} is encrypted, and no password is given; set"
            " ssl_keyfile_password, or decrypt the key"
        )
    for password in ("open sesame", "x" * 2000):
        with pytest.raises(ConfigError) as wrong:
            load_certificate(new_context(), files(pair.certfile, str(locked), password))
        assert str(wrong.value) == (
            f"ssl_keyfile: the password (ssl_keyfile_password) does not open the private key in {locked}"
        )
        assert wrong.value.__cause__ is None


def _request(private: object) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


PEM = pem(certificate("example.org"))
KEY = key_pem(key())
WEAK = rsa_key(1024)
NO_CERTIFICATE = ssl.DER_cert_to_PEM_cert(b"\x30\x02\x05\x00").encode()
"""DER, but of something else."""


@pytest.mark.parametrize(
    ("cert", "private", "message"),
    [
        (b"", KEY, "ssl_certfile: {cert} is empty; put the certificate into it"),
        (b"hello", KEY, "ssl_certfile: {cert} holds no certificate in PEM form ('-----BEGIN CERTIFICATE-----'); give"),
        (KEY, PEM, "ssl_certfile: {cert} holds a private key and no certificate; are certificate and key exchanged?"),
        (key_pem(key(), "x"), KEY, "ssl_certfile: {cert} holds a private key and no certificate"),
        (_request(key()), KEY, "ssl_certfile: {cert} holds a request for a certificate; give the certificate that was"),
        (der(certificate("a.org")), KEY, "ssl_certfile: {cert} is in DER form; make PEM of it: openssl x509 -inform"),
        (PEM[:200], KEY, "ssl_certfile: the certificate in {cert} is damaged or not all there; fetch it again"),
        (PEM.replace(b"M", b"!"), KEY, "ssl_certfile: the certificate in {cert} is damaged or not all there"),
        (PEM.replace(b"M", b"\xff"), KEY, "ssl_certfile: the certificate in {cert} is damaged or not all there"),
        (PEM, None, "ssl_certfile: {cert} holds no private key beside the certificate; give the file of the key as"),
        (PEM, b"", "ssl_keyfile: {key} holds no private key in PEM form ('-----BEGIN PRIVATE KEY-----'); give one"),
        (PEM, PEM, "ssl_keyfile: {key} holds no private key in PEM form ('-----BEGIN PRIVATE KEY-----'); are certi"),
        (PEM, KEY[:100], "ssl_keyfile: the private key in {key} is damaged or not all there; fetch it again"),
        (
            PEM + PEM[:300],
            KEY,
            "ssl_certfile: certificate 2 of 2 in {cert} is damaged or not all there; fetch it again",
        ),
        (PEM, key_pem(key(1)), "ssl_keyfile: the private key in {key} does not belong to the certificate in {cert};"),
        (PEM, key_pem(WEAK), "ssl_keyfile: the private key in {key} does not belong to the certificate in {cert};"),
        (pem(certificate("a.org", private=WEAK)), KEY, None),
        (
            pem(certificate("a.org", private=WEAK)),
            key_pem(WEAK),
            "ssl_certfile: OpenSSL takes {cert} for too weak (EE_KEY_TOO_SMALL); make one with a key of 2048 bits RSA",
        ),
    ],
    ids=lambda value: "" if isinstance(value, bytes | None) else value[:60],  # keys differ in every process
)
def test_what_is_wrong_inside(tmp_path: Path, cert: bytes, private: bytes | None, message: str | None) -> None:
    paths = {"cert": tmp_path / "c.pem", "key": tmp_path / "k.pem"}
    paths["cert"].write_bytes(cert)
    paths["key"].write_bytes(private or b"")
    with pytest.raises(ConfigError) as caught:
        load_certificate(new_context(), files(str(paths["cert"]), private if private is None else str(paths["key"])))
    said = str(caught.value)
    assert said.startswith((message or "ssl_").format(**paths))
    assert "BEGIN RSA" not in said
    assert "\n" not in said


def missing(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def unreadable(path: Path) -> None:
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.skipif(os.name == "nt", reason="permissions and pipes are others")
@pytest.mark.parametrize("part", ["ssl_certfile", "ssl_keyfile"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing, "{setting}: {path} is not there; give the path of a file in PEM form, or make a certificate for dev"),
        (folder, "{setting}: {path} is a folder; give the file in it"),
        (unreadable, "{setting}: {path} cannot be read: Permission denied; let the user that runs the server read it"),
        (pipe, "{setting}: {path} is not a file that can be read again later; put it into a file"),
    ],
)
def test_files_that_cannot_be_had(
    tmp_path: Path, pair: Pair, part: str, spoil: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / ("a.pem" if part == "ssl_certfile" else "a.key")
    spoil(path)
    with pytest.raises(ConfigError) as caught:
        load_certificate(new_context(), files(pair.certfile, pair.keyfile))
    assert str(caught.value).startswith(message.format(setting=part, path=path))


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(ConfigError, match=r"is not the path of a file"):
        load_certificate(new_context(), files(path))


def test_a_denied_file_is_told_whoever_runs_this(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(ConfigError, match=r"a\.pem cannot be read: Permission denied; let the user that runs"):
        load_certificate(new_context(), files(pair.certfile, pair.keyfile))


def test_files_of_another_size(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_files, "LARGEST", 100)
    with pytest.raises(ConfigError, match=r"a\.pem has more than 100 bytes, so it is something else"):
        load_certificate(new_context(), files(pair.certfile, pair.keyfile))


def test_authorities(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    one = Authority.make().certificate
    file.write_bytes(pem(one))
    context = new_context()
    load_authorities(context, "ssl_ca_certs", str(file))
    assert context.get_ca_certs(binary_form=True) == [der(one)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (KEY, "ssl_ca_certs: {} holds a private key and no certificate"),
        (PEM + PEM[:300], "ssl_ca_certs: certificate 2 of 2 in {} is damaged or not all there; fetch it again"),
        (PEM + PEM[:-2], "ssl_ca_certs: certificate 2 of 2 in {} is damaged or not all there; fetch it again"),
        (PEM + NO_CERTIFICATE, "ssl_ca_certs: {} is damaged: "),
        (None, "ssl_ca_certs: {} is not there; give the path"),
    ],
)
def test_authorities_that_are_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_authorities(new_context(), "ssl_ca_certs", str(file))
    assert str(caught.value).startswith(message.format(file))
