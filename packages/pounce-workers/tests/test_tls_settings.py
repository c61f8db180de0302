"""Settings of TLS: what goes together, what does not, and what is never shown."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from pounce_workers.tls_settings import TlsCertificate, TlsSettings


def test_tls_is_off_by_default() -> None:
    assert not TlsSettings().enabled
    assert TlsSettings().certificates == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ssl_keyfile": "k"}, "ssl_keyfile: a key needs the certificate that it belongs to; give ssl_certfile"),
        ({"ssl_certfile": "c", "ssl_cert_reqs": "required"}, "ssl_cert_reqs: 'required' needs ssl_ca_certs"),
        ({"ssl_certfile": "c", "ssl_cert_reqs": "optional"}, "ssl_cert_reqs: 'optional' needs ssl_ca_certs"),
        ({"ssl_cert_reqs": "maybe"}, "ssl_cert_reqs: 'maybe' is not one of none, optional, required"),
        ({"ssl_min_version": "1.1"}, "ssl_min_version: '1.1' is not one of 1.2, 1.3"),
        ({"ssl_handshake_timeout": 0}, "ssl_handshake_timeout: 0 is below 0.001 seconds"),
        ({"ssl_handshake_timeout": float("nan")}, "ssl_handshake_timeout: nan is below"),
        ({"ssl_reload_interval": 0}, "ssl_reload_interval: 0 is below 0.01 seconds"),
        ({"ssl_ca_certs": "ca"}, "ssl_ca_certs: it is for TLS, which needs a certificate; give ssl_certfile as well"),
        ({"ssl_redirect_port": 80}, "ssl_redirect_port: it is for TLS, which needs a certificate"),
    ],
)
def test_what_does_not_go_together(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TlsSettings(**given)


def test_the_certificate_of_its_own_settings_is_the_default_one() -> None:
    extra = TlsCertificate(certfile="b.pem", keyfile="b.key", keyfile_password="own")
    settings = TlsSettings(
        ssl_certfile="a.pem",
        ssl_keyfile_password="common",
        ssl_certificate=(extra, TlsCertificate(certfile="c.pem")),
    )
    assert [(one.certfile, one.keyfile, one.keyfile_password) for one in settings.certificates] == [
        ("a.pem", None, "common"),
        ("b.pem", "b.key", "own"),
        ("c.pem", None, "common"),
    ]


def test_certificates_of_the_list_are_enough() -> None:
    settings = TlsSettings(ssl_certificate=(TlsCertificate(certfile="b.pem"),))
    assert settings.enabled
    assert [one.certfile for one in settings.certificates] == ["b.pem"]


def test_names_are_normalised_and_checked() -> None:
    assert TlsCertificate(certfile="c", names=("Example.ORG.",)).names == ("example.org",)
    with pytest.raises(ValueError, match=r"'exa mple' is not a host name; write it as 'example.org' or"):
        TlsCertificate(certfile="c", names=("exa mple",))


def test_passwords_are_never_shown() -> None:
    one = TlsCertificate(certfile="b.pem", keyfile="b.key", keyfile_password="sesame")
    settings = TlsSettings(ssl_certfile="a.pem", ssl_keyfile_password="sesame", ssl_certificate=(one,))
    for shown in (settings, one, settings.certificates, *settings.certificates):
        assert "sesame" not in f"{shown!r} {shown}"
    assert str(one) == "b.pem,b.key"


def test_settings_go_to_worker_processes() -> None:
    settings = TlsSettings(ssl_certificate=(TlsCertificate(certfile="c", names=("a.org",), keyfile_password="p"),))
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert hash(settings) == hash(pickle.loads(pickle.dumps(settings)))
