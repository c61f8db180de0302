"""Where certificates are read: in their files, or for a while in memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from certificates import der, handshake, write_pair

from pounce_workers import CertificatePlaces, TlsCertificate, TlsSettings
from pounce_workers.net.tls_contexts import TlsContexts

linux = pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")

SETTINGS = TlsSettings(
    ssl_certfile="a.pem",
    ssl_keyfile="a.key",
    ssl_ca_certs="ca.pem",
    ssl_certificate=(TlsCertificate(certfile="b.pem", names=("example.org",)),),
)


def test_every_path_is_its_own_place() -> None:
    places = CertificatePlaces()
    assert places.of("a.pem") == "a.pem"
    assert places.settings(SETTINGS) is SETTINGS


@linux
def test_all_that_is_read_is_in_memory_as_long_as_is_said() -> None:
    places = CertificatePlaces()
    contents = {path: path.encode() * 10_000 for path in SETTINGS.files}
    before = list(Path("/proc/self/fd").iterdir())
    with places.in_memory(contents):
        settings = places.settings(SETTINGS)
        assert settings.ssl_certificate[0].names == ("example.org",)
        for path, place in zip(SETTINGS.files, settings.files, strict=True):
            assert place != path
            for _ in range(2):  # each reader begins at the beginning
                assert Path(place).read_bytes() == contents[path]
            assert str(Path(place).readlink()).startswith("/memfd:")  # in no file system
            assert not os.get_inheritable(int(Path(place).name))
    assert places.settings(SETTINGS) is SETTINGS
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)


def test_systems_without_it_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    places = CertificatePlaces()
    with pytest.raises(OSError, match="no files in memory"), places.in_memory({"a.pem": b""}):
        pass
    assert places.of("a.pem") == "a.pem"


@linux
def test_contexts_of_what_is_in_memory_and_later_of_the_files(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "site", "example.org")
    settings = TlsSettings(ssl_certfile=pair.certfile, ssl_keyfile=pair.keyfile)
    contents = {path: Path(path).read_bytes() for path in settings.files}
    for path in settings.files:
        Path(path).write_bytes(b"rubbish")
    places = CertificatePlaces()
    with places.in_memory(contents):
        contexts = TlsContexts(settings, ("http/1.1",), announce=False, places=places)
    assert handshake(contexts.current)[1].getpeercert(binary_form=True) == der(pair.certificate)
    new = write_pair(tmp_path, "site", "example.org", number=1)
    assert contexts.look()
    assert handshake(contexts.current)[1].getpeercert(binary_form=True) == der(new.certificate)
