"""Keys of a file, flat and in tables."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pounce import ConfigError
from pounce.file_keys import read_keys
from pounce.settings import settings_of
from pounce_workers.tls_settings import TlsSettings

SETTINGS = settings_of(TlsSettings)
FILE = Path("pounce.toml")


@pytest.mark.parametrize(
    ("toml", "keys"),
    [
        ("", {}),
        ("ssl_certfile = 'a'", {"ssl_certfile": ("ssl_certfile", "a")}),
        ("ssl-certfile = 'a'", {"ssl_certfile": ("ssl-certfile", "a")}),
        ("ssl_certificate = ['a,b']", {"ssl_certificate": ("ssl_certificate", ["a,b"])}),
        ("[[ssl_certificate]]\ncertfile = 'a'", {"ssl_certificate": ("ssl_certificate", [{"certfile": "a"}])}),
        (
            "ssl_certfile = 'a'\n[[tls.certificates]]\ncertfile = 'b'\n[[tls.certificates]]\ncertfile = 'c'",
            {
                "ssl_certfile": ("ssl_certfile", "a"),
                "ssl_certificate": ("tls.certificates", [{"certfile": "b"}, {"certfile": "c"}]),
            },
        ),
        ("tls.certificates = 'a'", {"ssl_certificate": ("tls.certificates", "a")}),
        ("[tls]", {}),
    ],
)
def test_what_is_given(toml: str, keys: dict[str, tuple[str, object]]) -> None:
    assert read_keys(FILE, tomllib.loads(toml), SETTINGS) == keys


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("ssl_certfil = 'a'", "'ssl_certfil' in pounce.toml is not a setting; did you mean 'ssl_certfile'?"),
        ("zzz = 1", "'zzz' in pounce.toml is not a setting"),
        ("zzz.certificates = 1", "'zzz' in pounce.toml is not a setting"),
        ("tls = 1", "'tls' in pounce.toml is not a setting"),
        (
            "[[tls.certificate]]\ncertfile = 'a'",
            "'tls.certificate' in pounce.toml is not a setting; did you mean 'tls.certificates'?",
        ),
        ("[[tls]]\ncertfile = 'a'", "'tls' in pounce.toml is not a setting"),
        (
            "ssl_ciphers = 'a'\nssl-ciphers = 'a'",
            "'ssl_ciphers' is given twice in pounce.toml: as ssl_ciphers and as ssl",
        ),
        (
            "ssl_certificate = 'a'\ntls.certificates = 'a'",
            "'ssl_certificate' is given twice in pounce.toml: as ssl_certificate and as tls.certificates",
        ),
        ("threads = 4", "pounce.toml: threads is not an option of this server; use --sync-threads"),
    ],
)
def test_what_is_not_a_setting(toml: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_keys(FILE, tomllib.loads(toml), SETTINGS)
    assert str(caught.value).startswith(message)
