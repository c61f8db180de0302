"""Certificates that are replaced while the server runs: what is used, what is kept, and what is said."""

from __future__ import annotations

import logging
import os
import shutil
import ssl
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import DAY, TODAY, Authority, client_context, der, handshake, key, key_pem, pem, write_pair
from certificates import certificate as make_certificate

from pounce_asgi import ConfigError
from pounce_workers.net.file_signature import file_signature
from pounce_workers.net.tls_contexts import TICKET_KEY_LIFETIME, TlsContexts
from pounce_workers.tls_settings import TlsCertificate, TlsSettings

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def no_key_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)


class Site:
    """A folder with the certificate of a server, its contexts, and what they have logged."""

    def __init__(self, folder: Path, log: pytest.LogCaptureFixture) -> None:
        log.set_level(logging.INFO, "pounce.tls")
        self.folder = folder
        self._log = log
        self.now = time.time()
        self.shown = self.put(0)
        self.settings: dict[str, Any] = {
            "ssl_certfile": str(folder / "site.pem"),
            "ssl_keyfile": str(folder / "site.key"),
        }

    def contexts(self, **settings: Any) -> TlsContexts:
        return TlsContexts(TlsSettings(**self.settings, **settings), ("http/1.1",), clock=lambda: self.now)

    def put(self, number: int, stem: str = "site", **options: Any) -> bytes:
        """Put another certificate with another key into the place; returns it."""
        return der(write_pair(self.folder, stem, "example.org", number=number, **options).certificate)

    def said(self) -> list[tuple[str, str]]:
        """What was logged since the last question."""
        lines = [(record.levelname.lower(), record.getMessage()) for record in self._log.records]
        self._log.clear()
        return lines


@pytest.fixture
def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Site:
    return Site(tmp_path, caplog)


def shown(contexts: TlsContexts, name: str | None = None) -> bytes | None:
    """The certificate that a new client gets."""
    return handshake(contexts.current, name=name)[1].getpeercert(binary_form=True)


UNTIL = f"{TODAY + 30 * DAY:%Y-%m-%d}"
IN_USE = [("info", f"certificates have changed and are in use: example.org until {UNTIL}")]


def test_errors_at_the_start_are_for_the_person_who_starts(site: Site) -> None:
    (site.folder / "site.key").unlink()
    with pytest.raises(ConfigError, match=r"^ssl_keyfile: .*site\.key is not there"):
        site.contexts()


def test_nothing_is_read_while_nothing_changes(site: Site) -> None:
    contexts = site.contexts()
    before = contexts.current
    assert not any(contexts.look() for _ in range(3))
    assert contexts.current is before
    assert site.said() == []


def test_a_changed_pair_is_taken(site: Site) -> None:
    contexts = site.contexts()
    assert shown(contexts) == site.shown
    new = site.put(1)
    assert contexts.look()
    assert shown(contexts) == new
    assert site.said() == IN_USE
    assert not contexts.look()


def test_reload_takes_what_is_there(site: Site) -> None:
    contexts = site.contexts()
    new = site.put(1)
    assert contexts.reload()
    assert shown(contexts) == new
    assert site.said() == [("info", f"certificates were read again: example.org until {UNTIL}")]
    assert not contexts.look()


def test_a_connection_goes_on_with_the_context_it_began_with(site: Site) -> None:
    contexts = site.contexts()
    ours, theirs = handshake(contexts.current)
    site.put(1)
    assert contexts.reload()
    ours.write(b"hello")
    assert theirs.read(5) == b"hello"


def test_a_broken_file_keeps_the_old_and_is_told_once_for_each_change(site: Site) -> None:
    contexts = site.contexts()
    before = contexts.current
    cert = site.folder / "site.pem"
    cert.write_bytes(b"nonsense")
    assert not contexts.look()
    assert site.said() == []  # it may be half written
    assert not contexts.look()
    error = (
        f"new certificates are not used, the old ones stay: ssl_certfile: {cert} holds no certificate in PEM form"
        " ('-----BEGIN CERTIFICATE-----'); give one that does"
    )
    assert site.said() == [("error", error)]
    assert not any(contexts.look() for _ in range(3))
    assert site.said() == []
    cert.write_bytes(b"other nonsense")
    assert not contexts.look()
    assert site.said() == [("error", error)]
    assert contexts.current is before
    assert shown(contexts) == site.shown
    new = site.put(1)
    assert contexts.look()
    assert site.said() == IN_USE
    assert shown(contexts) == new


def test_reload_with_a_broken_file_is_told_whenever_a_person_asks(site: Site) -> None:
    contexts = site.contexts()
    before = contexts.current
    (site.folder / "site.key").write_bytes(key_pem(key(1)))
    for _ in range(2):
        assert not contexts.reload()
        ((level, line),) = site.said()
        assert level == "error"
        assert line.startswith("new certificates are not used, the old ones stay: ssl_keyfile: the private key in")
    assert not contexts.look()
    assert site.said() == []
    assert contexts.current is before


def test_the_time_between_certificate_and_key_is_no_error(site: Site) -> None:
    contexts = site.contexts()
    old_key = (site.folder / "site.key").read_bytes()
    new = site.put(1)
    new_key = (site.folder / "site.key").read_bytes()
    (site.folder / "site.key").write_bytes(old_key)
    assert not contexts.look()
    (site.folder / "site.key").write_bytes(new_key)
    assert contexts.look()
    assert shown(contexts) == new
    assert site.said() == IN_USE


def test_a_file_that_grows_is_no_error(site: Site) -> None:
    contexts = site.contexts()
    made = make_certificate("example.org", private=key(0))
    (site.folder / "site.pem").write_bytes(pem(made)[:100])
    assert not contexts.look()
    (site.folder / "site.pem").write_bytes(pem(made))
    assert contexts.look()
    assert shown(contexts) == der(made)
    assert site.said() == IN_USE


def test_files_that_come_back_as_they_were(site: Site) -> None:
    contexts = site.contexts()
    before = contexts.current
    cert, away = site.folder / "site.pem", site.folder / "away.pem"
    cert.rename(away)
    assert not contexts.look()
    shutil.copy2(away, cert)
    contexts.look()
    assert shown(contexts) == shown_by(before)
    assert not any(level == "error" for level, _ in site.said())


def shown_by(context: ssl.SSLContext) -> bytes | None:
    return handshake(context)[1].getpeercert(binary_form=True)


def test_new_permissions_are_a_change(site: Site) -> None:
    contexts = site.contexts()
    before = contexts.current
    time.sleep(0.01)  # the clock of file systems is coarse
    (site.folder / "site.pem").chmod(0o400)
    assert contexts.look() is (os.name != "nt")
    assert (contexts.current is before) is (os.name == "nt")


@pytest.mark.skipif(os.name == "nt", reason="links are for those who may make them")
def test_links_as_certbot_switches_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    archive, live = tmp_path / "archive", tmp_path / "live"
    archive.mkdir()
    live.mkdir()
    made = [write_pair(archive, f"{number}", "example.org", number=number).certificate for number in range(2)]

    def switch(number: int) -> None:
        for suffix in (".pem", ".key"):
            fresh = live / "fresh"
            fresh.symlink_to(archive / f"{number}{suffix}")
            fresh.replace(live / f"site{suffix}")

    switch(0)
    site = Site(tmp_path, caplog)
    site.settings = {"ssl_certfile": str(live / "site.pem"), "ssl_keyfile": str(live / "site.key")}
    contexts = site.contexts()
    assert shown(contexts) == der(made[0])
    switch(1)
    assert contexts.look()
    assert shown(contexts) == der(made[1])


@pytest.mark.skipif(os.name == "nt", reason="links are for those who may make them")
def test_links_as_kubernetes_switches_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = []
    for number in range(2):
        folder = tmp_path / f"..{number}"
        folder.mkdir()
        made.append(write_pair(folder, "tls", "example.org", number=number).certificate)
        for file in folder.iterdir():  # as alike as they can be
            os.utime(file, (1, 1))
    (tmp_path / "..data").symlink_to("..0")
    for name in ("tls.pem", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    site = Site(tmp_path, caplog)
    site.settings = {"ssl_certfile": str(tmp_path / "tls.pem"), "ssl_keyfile": str(tmp_path / "tls.key")}
    contexts = site.contexts()
    (tmp_path / "..fresh").symlink_to("..1")
    (tmp_path / "..fresh").replace(tmp_path / "..data")
    assert contexts.look()
    assert shown(contexts) == der(made[1])
    shutil.rmtree(tmp_path / "..0")
    assert not contexts.look()


def test_one_of_several_is_changed(site: Site) -> None:
    other = write_pair(site.folder, "other", "other.org", number=2)
    extra = TlsCertificate(certfile=other.certfile, keyfile=other.keyfile)
    contexts = site.contexts(ssl_certificate=(extra,))
    new = der(write_pair(site.folder, "other", "other.org", number=3).certificate)
    assert contexts.look()
    assert (shown(contexts), shown(contexts, "other.org")) == (site.shown, new)
    Path(other.keyfile).unlink()
    before = site.put(1)
    assert not contexts.reload()  # all of it, or nothing
    assert (shown(contexts), shown(contexts, "other.org")) == (site.shown, new)
    assert before != site.shown


def test_a_new_authority_counts_at_once(site: Site) -> None:
    old, new = Authority.make("old", 5), Authority.make("new", 6)
    file = site.folder / "ca.pem"
    file.write_bytes(pem(old.certificate))
    contexts = site.contexts(ssl_ca_certs=str(file), ssl_cert_reqs="required")
    client = client_context()
    (site.folder / "client.pem").write_bytes(
        pem(make_certificate("alice", private=key(7), issuer=new)) + key_pem(key(7))
    )
    client.load_cert_chain(site.folder / "client.pem")
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
        handshake(contexts.current, client)
    file.write_bytes(pem(old.certificate, new.certificate))
    assert contexts.look()
    handshake(contexts.current, client)


def test_keys_of_tickets_do_not_last(site: Site) -> None:
    contexts = site.contexts()
    before = contexts.current
    site.now += TICKET_KEY_LIFETIME - 1
    assert not contexts.look()
    site.now += 1
    assert contexts.look()
    assert contexts.current is not before
    assert not contexts.look()
    assert site.said() == []


# What is kept for others


def in_files(site: Site) -> dict[str, bytes]:
    return {path: Path(path).read_bytes() for path in (site.settings["ssl_certfile"], site.settings["ssl_keyfile"])}


def test_nothing_of_keys_is_kept_unless_it_is_asked_for(site: Site) -> None:
    contexts = site.contexts()
    site.put(1)
    assert contexts.look()
    assert contexts.contents is None


def test_what_was_last_good_is_kept(site: Site) -> None:
    contexts = site.contexts()
    contexts.keep_contents()
    assert contexts.contents == in_files(site)
    site.put(1)
    assert contexts.look()
    good = in_files(site)
    assert contexts.contents == good
    (site.folder / "site.pem").write_bytes(b"nonsense")
    assert not any(contexts.look() for _ in range(3))
    assert not contexts.reload()
    assert contexts.contents == good


def test_what_changes_while_it_is_read_is_kept_at_the_next_look(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = site.contexts()
    contexts.keep_contents()
    before = in_files(site)
    site.put(1)
    read = Path.read_bytes

    def changing(path: Path) -> bytes:
        content = read(path)
        monkeypatch.undo()
        (site.folder / "site.pem").write_bytes(b"nonsense")
        return content

    monkeypatch.setattr(Path, "read_bytes", changing)
    assert contexts.look()
    assert contexts.contents == before  # nobody knows whether what was read is what was good
    site.put(2)
    assert contexts.look()
    assert contexts.contents == in_files(site)


def test_files_that_were_found_broken_before_are_not_told_again_and_not_forgotten(site: Site) -> None:
    cert = site.folder / "site.pem"
    good = cert.read_bytes()
    failed = file_signature(site.settings.values())  # as if these were the broken ones
    contexts = TlsContexts(TlsSettings(**site.settings), ("http/1.1",), failed=failed)
    assert not any(contexts.look() for _ in range(3))
    cert.write_bytes(b"nonsense")
    assert not any(contexts.look() for _ in range(3))
    assert [level for level, _ in site.said()] == ["error"]
    cert.write_bytes(good)
    assert contexts.look()
    assert site.said() == IN_USE


# What is odd


def test_expired_certificates_are_told_once(site: Site) -> None:
    end = TODAY - DAY / 2
    site.put(0, end=end)
    contexts = site.contexts()
    line = f"the certificate for example.org expired at {end:%Y-%m-%d %H:%M} UTC: clients refuse it; put a new one in"
    assert site.said() == [("warning", f"{line} its place")]
    assert not contexts.look()
    assert site.said() == []
    site.put(0)
    assert contexts.look()
    assert site.said() == IN_USE


def test_a_certificate_that_expires_while_the_server_runs(site: Site) -> None:
    contexts = site.contexts()
    site.now = (TODAY + 30 * DAY).timestamp() + 1
    contexts.look()
    ((level, line),) = site.said()
    assert level == "warning"
    assert line.startswith("the certificate for example.org expired at ")
    contexts.look()
    assert site.said() == []


def test_authorities_that_nobody_asks(site: Site) -> None:
    (site.folder / "ca.pem").write_bytes(pem(Authority.make().certificate))
    site.contexts(ssl_ca_certs=str(site.folder / "ca.pem"))
    assert site.said() == [
        ("warning", "no client is asked for a certificate: ssl_ca_certs is given, but ssl_cert_reqs is none")
    ]


def test_a_key_log_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(site.folder / "keys")
    monkeypatch.setenv("SSLKEYLOGFILE", path)
    site.contexts()
    assert site.said() == [("warning", f"whoever reads {path} can read all connections (SSLKEYLOGFILE)")]


def test_others_need_not_say_it_again(site: Site) -> None:
    site.put(0, end=TODAY - DAY / 2)
    TlsContexts(TlsSettings(**site.settings), (), announce=False)
    assert site.said() == []


def test_no_password_is_in_any_line(site: Site) -> None:
    (site.folder / "site.key").write_bytes(key_pem(key(0), "sesame"))
    site.settings["ssl_keyfile_password"] = "sesame"
    contexts = site.contexts()
    (site.folder / "site.key").write_bytes(key_pem(key(0), "other"))
    assert not contexts.reload()
    said = site.said()
    assert "does not open the private key" in str(said)
    assert "sesame" not in f"{said} {contexts!r} {contexts.current!r}"


def test_threads_read_what_others_replace(site: Site) -> None:
    contexts = site.contexts()
    stop = threading.Event()
    failures: list[BaseException] = []

    def clients() -> None:
        try:
            while not stop.is_set():
                shown(contexts)
        except BaseException as error:
            failures.append(error)
            raise

    readers = [threading.Thread(target=clients) for _ in range(3)]
    for one in readers:
        one.start()
    reloaders = [threading.Thread(target=lambda: [contexts.reload() for _ in range(20)]) for _ in range(2)]
    for one in reloaders:
        one.start()
    for one in reloaders:
        one.join(60)
    stop.set()
    for one in readers:
        one.join(60)
    assert failures == []


def test_what_else_reads_the_files_takes_them_with_it_or_not_at_all(site: Site) -> None:
    good, used = True, []

    def beside() -> Callable[[], None]:
        if not good:
            raise ConfigError("the key is of a kind that QUIC does not have")
        content = (site.folder / "site.pem").read_bytes()
        return lambda: used.append(content)

    contexts = TlsContexts(TlsSettings(**site.settings), ("http/1.1",), beside=beside)
    first = shown(contexts)
    site.put(1)
    good = False
    assert not contexts.reload()
    assert shown(contexts) == first
    assert len(used) == 1
    good = True
    assert contexts.reload()
    assert shown(contexts) != first
    assert used == [used[0], (site.folder / "site.pem").read_bytes()]
    assert used[0] != used[1]
