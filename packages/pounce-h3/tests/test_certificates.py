"""Certificates of QUIC: what is read, what is said of files that are wrong, which one a name leads to."""

from __future__ import annotations

from pathlib import Path

import pytest
from quic_identities import Files, write_identity
from quic_pair import LIBRARIES

from pounce_asgi import ConfigError
from pounce_h3.certificates import QuicCertificates
from pounce_h3.engine import load_library

pytestmark = pytest.mark.parametrize("library", LIBRARIES)


def read(library: str, *files: Files) -> QuicCertificates:
    return QuicCertificates(files, library=load_library(library))


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
@pytest.mark.parametrize("traditional", [False, True])
def test_keys(library: str, tmp_path: Path, kind: str, traditional: bool) -> None:
    made = read(library, write_identity(tmp_path, kind=kind, traditional=traditional))
    assert made.first.certificate.startswith("-----BEGIN CERTIFICATE-----\n")
    assert not made.has_choice


@pytest.mark.parametrize("traditional", [False, True])
def test_an_encrypted_key(library: str, tmp_path: Path, traditional: bool) -> None:
    files = write_identity(tmp_path, password="secret", traditional=traditional)
    assert read(library, files).first.password == "secret"


def test_key_and_certificate_in_one_file(library: str, tmp_path: Path) -> None:
    files = write_identity(tmp_path, together=True)
    assert files.keyfile is None
    read(library, files)


def test_a_chain_with_other_line_ends(library: str, tmp_path: Path) -> None:
    files, other = write_identity(tmp_path), write_identity(tmp_path, "other", number=1)
    both = Path(files.certfile).read_bytes() + b"some words\n" + Path(other.certfile).read_bytes()
    Path(files.certfile).write_bytes(both.replace(b"\n", b"\r\n"))
    assert len(read(library, files).first.chain) == 2


def wrong(tmp_path: Path, what: str) -> Files:
    good, other = write_identity(tmp_path), write_identity(tmp_path, "other", number=1)
    locked = write_identity(tmp_path, "locked", password="secret")
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    broken = tmp_path / "broken.crt"
    broken.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return {
        "missing": Files(str(tmp_path / "none.crt"), good.keyfile),
        "missing key": Files(good.certfile, str(tmp_path / "none.key")),
        "no certificate": Files(str(empty), good.keyfile),
        "no key": Files(good.certfile),
        "another key": Files(good.certfile, other.keyfile),
        "no password": Files(locked.certfile, locked.keyfile),
        "wrong password": Files(locked.certfile, locked.keyfile, "guess"),
        "broken": Files(str(broken), good.keyfile),
    }[what]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing", "the certificate cannot be read from .*none.crt: No such file"),
        ("missing key", "the key cannot be read from .*none.key: No such file"),
        ("no certificate", "empty.pem holds no certificate in PEM form"),
        ("no key", "one.crt holds no private key in PEM form"),
        ("another key", "the key in .*other.key is not the one of the certificate in .*one.crt"),
        ("no password", "the key in .*locked.key cannot be decrypted: it needs a password"),
        ("wrong password", "the key in .*locked.key cannot be decrypted: its password is wrong"),
        ("broken", "broken.crt"),
    ],
)
def test_files_that_are_wrong(library: str, tmp_path: Path, what: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(library, wrong(tmp_path, what))


def test_a_key_that_the_library_cannot_use(library: str, tmp_path: Path) -> None:
    files = write_identity(tmp_path, kind="p521")
    if library == "aioquic":
        with pytest.raises(ConfigError, match=r"aioquic cannot use the certificate in .*one.crt"):
            read(library, files)
    else:
        read(library, files)


def test_none_at_all(library: str) -> None:
    with pytest.raises(ConfigError, match="needs a certificate"):
        read(library)


def test_names(library: str, tmp_path: Path) -> None:
    one = write_identity(tmp_path, "one", "one.example", "*.one.example")
    two = write_identity(tmp_path, "two", "two.example", "one.example", number=1)
    given = Files(two.certfile, two.keyfile, names=("given.example",))
    made = read(library, one, two)
    first, second = (made.choose(name) for name in ("one.example", "two.example"))
    assert made.has_choice
    assert first == made.first
    assert first != second
    assert made.choose("ONE.example.") == first  # the first who has a name keeps it
    assert made.choose("a.one.example") == first
    assert made.choose("nobody.example") == first
    assert read(library, one, given).choose("given.example") == second
    assert read(library, one, given).choose("two.example") == first


def test_read_anew(library: str, tmp_path: Path) -> None:
    files = write_identity(tmp_path)
    made = read(library, files)
    old = made.first
    write_identity(tmp_path, number=1)
    use = made.prepare()
    assert made.first == old
    use()
    new = made.first
    assert new != old
    Path(files.certfile).write_bytes(b"")
    with pytest.raises(ConfigError, match="holds no certificate"):
        made.prepare()
    assert made.first == new
