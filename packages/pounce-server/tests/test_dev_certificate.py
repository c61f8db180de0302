"""The certificate for development, as clients see it."""

from __future__ import annotations

import datetime
import os
import shutil
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pounce import ConfigError
from pounce.cli import run_command
from pounce.dev_certificate import make_dev_certificate

OPENSSL = shutil.which("openssl") if sys.platform == "linux" else None
Capture = pytest.CaptureFixture[str]


def connect(folder: Path, name: str) -> None:
    """A client that trusts the certificate, and nothing else, takes it for this name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "dev-cert.pem", folder / "dev-key.pem")
    client = ssl.create_default_context(cafile=str(folder / "dev-cert.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default since Python 3.13
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname=name), server.wrap_bio(up, down, server_side=True)]
    for _ in range(5):
        for one in list(ends):
            try:
                one.do_handshake()
                ends.remove(one)
            except ssl.SSLWantReadError:
                pass
    assert ends == []


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "::1", "app.test", "a.wild.test", "192.0.2.7", "2001:db8::1"]
)
def test_clients_take_it_for_each_name(tmp_path: Path, name: str) -> None:
    names = ["App.test.", "*.wild.test", "192.0.2.7", "[2001:db8::1]", "localhost"]
    made = make_dev_certificate(tmp_path, names)
    assert made.names == ("localhost", "127.0.0.1", "::1", "app.test", "*.wild.test", "192.0.2.7", "2001:db8::1")
    connect(tmp_path, name)


def test_clients_do_not_take_it_for_others(tmp_path: Path) -> None:
    make_dev_certificate(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(tmp_path, "example.org")


def test_it_is_no_authority_and_is_valid_for_a_year(tmp_path: Path) -> None:
    made = make_dev_certificate(tmp_path)
    read = x509.load_pem_x509_certificate(made.certfile.read_bytes())
    assert not read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (read.not_valid_after_utc - read.not_valid_before_utc).days == 365
    assert read.not_valid_after_utc == made.expires
    age = datetime.datetime.now(datetime.UTC) - read.not_valid_before_utc
    assert datetime.timedelta(minutes=59) < age < datetime.timedelta(minutes=70), "clocks differ"
    key = load_pem_private_key(made.keyfile.read_bytes(), None)
    assert key.public_key() == read.public_key()


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not here")
def test_openssl_takes_it(tmp_path: Path) -> None:
    cert = str(make_dev_certificate(tmp_path).certfile)
    line = [str(OPENSSL), "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost"]
    said = subprocess.run([*line, "-CAfile", cert, cert], capture_output=True, text=True, check=False)
    assert said.stdout.strip().endswith("OK"), said


@pytest.mark.skipif(os.name == "nt", reason="permissions are others")
def test_only_the_user_reads_the_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_dev_certificate(tmp_path)
        (tmp_path / "dev-key.pem").chmod(0o666)
        made = make_dev_certificate(tmp_path, force=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.keyfile.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.certfile.stat().st_mode) == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev-cert.pem", "dev-key.pem"]


@pytest.mark.parametrize("there", [["dev-cert.pem"], ["dev-key.pem"], ["dev-cert.pem", "dev-key.pem"]])
def test_what_is_there_stays(tmp_path: Path, there: list[str]) -> None:
    for name in there:
        (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        make_dev_certificate(tmp_path)
    named = " and ".join(str(tmp_path / name) for name in there)
    assert str(caught.value) == f"{named} will not be overwritten; give --force, or another folder as --out"
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == dict.fromkeys(there, "mine")
    make_dev_certificate(tmp_path, force=True)
    connect(tmp_path, "localhost")


@pytest.mark.skipif(os.name == "nt", reason="links are for those who may make them")
def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "dev-key.pem").symlink_to(elsewhere)
    with pytest.raises(ConfigError, match=r"dev-key\.pem will not be overwritten"):
        make_dev_certificate(tmp_path)
    make_dev_certificate(tmp_path, force=True)
    assert not elsewhere.exists()
    connect(tmp_path, "localhost")


@pytest.mark.parametrize("name", ["", "a b", "http://a.org", "*"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"^--name: "):
        make_dev_certificate(tmp_path, [name])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"file cannot be written: .*; give another folder as --out"):
        make_dev_certificate(tmp_path / "file")


# The command


def test_the_command_says_how_to_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["tls", "dev-cert", "--name", "app.test", "--out", "my certs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    cert, key = Path("my certs/dev-cert.pem"), Path("my certs/dev-key.pem")
    assert lines[0] == f"Made {cert} and {key}, for development only."
    assert lines[1].startswith("For localhost, 127.0.0.1, ::1, app.test; until 20")
    assert lines[3] == f"Serve with: pounce main:app --ssl-certfile '{cert}' --ssl-keyfile '{key}'"
    assert lines[4] == f"Try with:   curl --cacert '{cert}' https://localhost:8000/"
    connect(tmp_path / "my certs", "app.test")


def test_by_default_it_is_put_into_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["tls", "dev-cert"]) == 0
    assert "--ssl-certfile dev-cert.pem --ssl-keyfile dev-key.pem" in capsys.readouterr().out
    assert run_command(["tls", "dev-cert"]) == 2
    assert capsys.readouterr().err == (
        "pounce: dev-cert.pem and dev-key.pem will not be overwritten; give --force, or another folder as --out\n"
    )
    assert run_command(["tls", "dev-cert", "--force"]) == 0


def test_what_is_missing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    assert run_command(["tls", "dev-cert"]) == 2
    assert capsys.readouterr().err == (
        "pounce: tls dev-cert needs cryptography, which is not installed: pip install 'pounce-server[tls]'\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_help(capsys: Capture) -> None:
    assert run_command(["tls", "--help"]) == 0
    assert "dev-cert" in capsys.readouterr().out
    assert run_command(["tls", "dev-cert", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(option in out for option in ("--out FOLDER", "--name NAME", "--force"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["tls"], "write: pounce tls dev-cert"), (["tls", "nothing"], "nothing"), (["tls", "dev-cert", "x"], "x")],
)
def test_mistakes_are_one_line(arguments: list[str], said: str, capsys: Capture) -> None:
    assert run_command(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("pounce: ")
    assert said in err
    assert err.count("\n") == 1
