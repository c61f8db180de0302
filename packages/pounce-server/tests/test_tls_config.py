"""The settings of TLS from every source, and what of them is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pounce import ConfigError, ServerConfig, load_config
from pounce_workers.tls_settings import TlsCertificate

if TYPE_CHECKING:
    from pathlib import Path

TOML = """
app = "main:app"
ssl_certfile = "a.pem"
ssl_keyfile = "a.key"
ssl_keyfile_password = "sesame"
ssl_ca_certs = "ca.pem"
ssl_cert_reqs = 2
ssl_min_version = 1.3
ssl_reload_interval = "none"

[[tls.certificates]]
certfile = "b.pem"
keyfile = "b.key"
keyfile_password = "sesame"
names = ["Example.org"]

[[tls.certificates]]
certfile = "c.pem"
"""


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "pounce.toml").write_text(TOML, encoding="utf-8")
    loaded = load_config({}, {}, folder=tmp_path)
    tls = loaded.config.tls
    assert (tls.ssl_cert_reqs, tls.ssl_min_version, tls.ssl_reload_interval) == ("required", "1.3", None)
    assert tls.certificates == (
        TlsCertificate(certfile="a.pem", keyfile="a.key", keyfile_password="sesame"),
        TlsCertificate(certfile="b.pem", keyfile="b.key", keyfile_password="sesame", names=("example.org",)),
        TlsCertificate(certfile="c.pem", keyfile_password="sesame"),
    )
    assert str(loaded.origins["ssl_certificate"]) == f"tls.certificates in {tmp_path / 'pounce.toml'}"
    assert "sesame" not in repr(loaded)
    assert "sesame" not in repr(loaded.config)


CERTIFICATES = (TlsCertificate(certfile="a.pem", keyfile="a.key"), TlsCertificate(certfile="b.pem"))


def test_flags_variables_and_python() -> None:
    app = {"app": "main:app"}
    flags = load_config({**app, "ssl_certificate": ("a.pem,a.key", "b.pem"), "ssl_cert_reqs": "0"}, {})
    variables = load_config(app, {"POUNCE_SSL_CERTIFICATE": "a.pem,a.key\nb.pem", "POUNCE_SSL_CERT_REQS": "0"})
    python = ServerConfig.of({**app, "ssl_certificate": ["a.pem,a.key", {"certfile": "b.pem"}], "ssl_cert_reqs": 0})
    for config in (flags.config, variables.config, python):
        assert config.tls.ssl_certificate == CERTIFICATES
        assert config.tls.ssl_cert_reqs == "none"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "ssl_keyfile_password = 1234",
            "ssl_keyfile_password: what is given from ssl_keyfile_password in {file} is not",
        ),
        (
            "[[tls.certificates]]\ncertfile = 'a'\nkeyfile-pasword = '1234'",
            "ssl_certificate: a table of certfile, keyfile-pasword from tls.certificates in {file} is not allowed",
        ),
        (
            "[[tls.certificates]]\ncertfile = 'a'\nkeyfile_password = 1234",
            "ssl_certificate: a table of certfile, keyfile_password from tls.certificates in {file} is not allowed",
        ),
        (
            "ssl_certificate = 'a,b,c'",
            "ssl_certificate: 'a,b,c' from ssl_certificate in {file} is not allowed; it must be CERTFILE or CERTFILE,",
        ),
        ("ssl_keyfile = 'a'", "ssl_keyfile: a key needs the certificate that it belongs to; give ssl_certfile as well"),
        ("ssl_certfile = 'a'\nssl_cert_reqs = 3", "ssl_cert_reqs: 3 from ssl_cert_reqs in {file} is not allowed"),
        ("tls = 5", "'tls' in {file} is not a setting"),
    ],
)
def test_mistakes(tmp_path: Path, toml: str, message: str) -> None:
    file = tmp_path / "pounce.toml"
    file.write_text(f"app = 'main:app'\n{toml}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config({}, {}, folder=tmp_path)
    assert str(caught.value).startswith(message.format(file=file))
    assert "1234" not in str(caught.value)
