"""What ``pounce check`` says of certificates."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from pounce import ServerConfig
from pounce.checks.certificates import SOON, check_certificates
from pounce.checks.report import Report

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.datetime(2030, 6, 1, tzinfo=datetime.UTC)
FAR = NOW + datetime.timedelta(days=60)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class Files:
    """Certificates and keys in a folder."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self._folder = folder
        self._authority = authority

    def issue(
        self,
        name: str,
        *hosts: str,
        until: datetime.datetime = FAR,
        since: datetime.datetime = NOW - datetime.timedelta(days=30),
        common_name: str | None = None,
    ) -> tuple[str, str]:
        cert = self._authority.issue_cert(*hosts, not_after=until, not_before=since, common_name=common_name)
        paths = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        cert.cert_chain_pems[0].write_to_path(paths[0])
        cert.private_key_pem.write_to_path(paths[1])
        return str(paths[0]), str(paths[1])


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Files:
    return Files(tmp_path, authority)


def found(**settings: Any) -> list[tuple[str, str, str | None]]:
    report = Report()
    check_certificates(ServerConfig.of({"app": "main:app", **settings}), report, now=NOW)
    assert {one.check for one in report.findings} <= {"certificates"}
    return [(one.level, one.what, one.do) for one in report.findings]


def of(pair: tuple[str, str]) -> dict[str, str]:
    return {"ssl_certfile": pair[0], "ssl_keyfile": pair[1]}


def test_without_tls_there_is_nothing_to_say() -> None:
    assert found() == []


def test_a_good_one_says_for_whom_and_until_when(files: Files) -> None:
    pair = files.issue("a", "example.org")
    assert found(**of(pair)) == [("ok", f"{pair[0]} is for example.org until 2030-07-31 00:00 UTC", None)]


@pytest.mark.parametrize(
    ("until", "since", "level", "words"),
    [
        (NOW, NOW - SOON, "error", "expired at 2030-06-01 00:00 UTC, so clients refuse it"),
        (NOW + SOON, NOW - SOON, "ok", "is for example.org until"),
        (NOW + SOON - datetime.timedelta(hours=1), NOW - SOON, "warning", "expires in 20 days"),
        (NOW + datetime.timedelta(days=1, hours=1), NOW - SOON, "warning", "expires in 1 day, at"),
        (FAR, NOW + datetime.timedelta(days=1), "error", "holds from 2030-06-02 00:00 UTC only"),
    ],
)
def test_dates(files: Files, until: datetime.datetime, since: datetime.datetime, level: str, words: str) -> None:
    ((found_level, what, do),) = found(**of(files.issue("a", "example.org", until=until, since=since)))
    assert found_level == level
    assert words in what
    assert bool(do) == (level != "ok")


def test_a_key_that_does_not_belong_to_it(files: Files) -> None:
    one, other = files.issue("a", "example.org"), files.issue("b", "example.org")
    ((level, what, do),) = found(ssl_certfile=one[0], ssl_keyfile=other[1])
    assert level == "error"
    assert "does not belong to the certificate" in what
    assert do is not None
    assert "give the pair" in do


def test_what_is_missing_or_something_else(files: Files, tmp_path: Path) -> None:
    pair = files.issue("a", "example.org")
    (tmp_path / "empty.pem").write_text("")
    for certfile, words in (
        (str(tmp_path / "nowhere.pem"), "is not there"),
        (str(tmp_path / "empty.pem"), "is empty"),
        (str(tmp_path), "is a folder"),
        (pair[1], "holds a private key and no certificate"),
    ):
        ((level, what, _),) = found(ssl_certfile=certfile, ssl_keyfile=pair[1])
        assert (level, words in what) == ("error", True), what


def test_all_that_is_wrong_is_told_at_once(files: Files, tmp_path: Path) -> None:
    old = files.issue("old", "old.example", until=NOW)
    gone = str(tmp_path / "gone.pem")
    several = found(**of(old), ssl_certificate=[gone, ",".join(files.issue("new", "new.example"))])
    assert [(level, gone in what) for level, what, _ in several] == [("error", False), ("error", True), ("ok", False)]


def test_names_that_nobody_will_be_served_with(files: Files) -> None:
    first, second = files.issue("a", "example.org"), files.issue("b", "example.org")
    assert [
        what for level, what, _ in found(**of(first), ssl_certificate=[",".join(second)]) if level == "warning"
    ] == [f"{second[0]} is not used for example.org: an earlier certificate has the name already"]


def test_names_that_a_certificate_does_not_have(files: Files) -> None:
    certfile, keyfile = files.issue("a", "*.example.org", "example.net")
    names = ["a.example.org", "*.example.org", "b.a.example.org", "example.com", "example.net"]
    given = [{"certfile": certfile, "keyfile": keyfile, "names": names}]
    warnings = [what for level, what, _ in found(ssl_certificate=given) if level == "warning"]
    assert warnings == [
        f"{certfile} is to be used for b.a.example.org, example.com, which it does not name: clients refuse it"
    ]


def test_no_name_at_all(files: Files) -> None:
    pair = files.issue("a", common_name="example.org")
    assert any("has no name in subjectAltName" in what for level, what, _ in found(**of(pair)) if level == "warning")


def test_authorities_that_are_not_asked_for(files: Files, tmp_path: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    pair = files.issue("a", "example.org")
    assert ("warning", "no client is asked for a certificate, although ssl_ca_certs is given") in [
        one[:2] for one in found(**of(pair), ssl_ca_certs=str(tmp_path / "ca.pem"))
    ]


def test_what_only_all_of_it_shows(files: Files) -> None:
    assert found(**of(files.issue("a", "example.org")), ssl_ciphers="NONSENSE")[-1][0] == "error"
