"""Certificates as texts and as tables."""

from __future__ import annotations

import pytest

from pounce.certificate_values import CERTIFICATES_IN_WORDS, certificates_of, shown_certificates
from pounce_workers.tls_settings import TlsCertificate

A = TlsCertificate(certfile="a.pem")
PAIR = TlsCertificate(certfile="a.pem", keyfile="a.key")


@pytest.mark.parametrize(
    ("value", "certificates"),
    [
        ("a.pem", (A,)),
        ("a.pem,a.key", (PAIR,)),
        (" a.pem , a.key ", (PAIR,)),
        (r"C:\tls\a.pem,C:\tls\a.key", (TlsCertificate(certfile=r"C:\tls\a.pem", keyfile=r"C:\tls\a.key"),)),
        (("a.pem", "a.pem,a.key"), (A, PAIR)),
        ((), ()),
        ([], ()),
        (A, (A,)),
        ([A, PAIR], (A, PAIR)),
        ({"certfile": "a.pem"}, (A,)),
        ({"certfile": "a.pem", "keyfile": "a.key", "names": []}, (PAIR,)),
        (
            [
                {"certfile": "a.pem", "keyfile-password": "p", "names": ["Example.org", "*.example.org"]},
                {"certfile": "a,b.pem", "names": "example.net"},
            ],
            (
                TlsCertificate(certfile="a.pem", keyfile_password="p", names=("example.org", "*.example.org")),
                TlsCertificate(certfile="a,b.pem", names=("example.net",)),
            ),
        ),
    ],
)
def test_what_is_read(value: object, certificates: tuple[TlsCertificate, ...]) -> None:
    assert certificates_of(value) == certificates


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", ""),
        (",", ""),
        ("a.pem,", ""),
        (",a.key", ""),
        ("a.pem,a.key,more", ""),
        ("a\0.pem", ""),
        (5, ""),
        ([5], ""),
        (None, ""),
        ({}, "; a table has a certfile"),
        ({"keyfile": "a.key"}, "; a table has a certfile"),
        ({"certfile": ""}, "; certfile is a text"),
        ({"certfile": 5}, "; certfile is a text"),
        ({"certfile": "a\0"}, "; certfile is a text"),
        ({"certfile": "a", "keyfile_password": 1234}, "; keyfile_password is a text"),
        ({"certfile": "a", "keyfil": "k"}, "; a table has no 'keyfil', did you mean 'keyfile'?"),
        ({"certfile": "a", "zzz": "k"}, "; a table has no 'zzz'"),
        ({"certfile": "a", "names": 5}, "; names is a list of texts"),
        ({"certfile": "a", "names": [5]}, "; names is a list of texts"),
        (
            {"certfile": "a", "names": ["a b"]},
            "; 'a b' is not a host name; write it as 'example.org' or '*.example.org'",
        ),
    ],
)
def test_what_is_not(value: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        certificates_of(value)
    assert str(caught.value) == CERTIFICATES_IN_WORDS + problem


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a.pem", "'a.pem'"),
        (("a.pem", 5), "'a.pem', 5"),
        ({"certfile": "a", "keyfile-pasword": "sesame"}, "a table of certfile, keyfile-pasword"),
        ([{}, "b"], "a table of nothing, 'b'"),
        ([TlsCertificate(certfile="a", keyfile_password="sesame")], f"{TlsCertificate(certfile='a')!r}"),
    ],
)
def test_no_password_is_shown(value: object, shown: str) -> None:
    assert shown_certificates(value) == shown
