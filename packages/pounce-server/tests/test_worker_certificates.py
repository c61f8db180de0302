"""The certificates of a worker process: in the files, or what the main process has kept."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import ssl
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce import ConfigError, ServerConfig
from pounce.dev_certificate import make_dev_certificate
from pounce.worker_certificates import LAST_GOOD, answer_with_last_good, worker_certificates
from pounce_workers import NoAnswer, TlsContexts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pounce_workers import Answer

linux = pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")


class Birth:
    """What a worker process asks, over a pipe that only carries JSON."""

    worker_id = 3

    def __init__(self, answers: dict[str, Answer]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    def ask(self, name: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        assert timeout > 0
        self.asked.append(name)
        if name not in self._answers:
            raise NoAnswer("the process has ended")
        return json.loads(json.dumps(self._answers[name](dict(arguments))))


class Site:
    """A server with certificates, its main process and a worker that begins."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        made = make_dev_certificate(folder)
        self.certfile, self.keyfile = made.certfile, made.keyfile
        pair = {"ssl_certfile": str(made.certfile), "ssl_keyfile": str(made.keyfile)}
        self.config = ServerConfig.of({"app": "main:app", "ssl_reload_interval": None, **pair, **settings})
        self.parent = TlsContexts(self.config.tls, ("http/1.1",))
        self.answers: dict[str, Answer] = {}
        self.birth = Birth(self.answers)

    def keep(self) -> None:
        answer_with_last_good(self.answers, self.parent)

    @contextlib.contextmanager
    def worker(self) -> Iterator[tuple[TlsContexts, Any]]:
        birth: Any = self.birth
        with worker_certificates(self.config, birth) as (tls, quic):
            assert tls is not None
            yield tls, quic


def shown(tls: TlsContexts | None) -> str:
    assert tls is not None
    return tls.current.server_cert


def test_good_files_are_read_and_nobody_is_asked(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.keep()
    with site.worker() as (tls, quic):
        assert shown(tls) == shown(site.parent)
        assert quic is None
    assert site.birth.asked == []


RUBBISH = {
    "certificate": ("certfile", b"rubbish", "holds no certificate in PEM form"),
    "key": ("keyfile", b"", "holds no private key"),
    "gone": ("keyfile", None, "is not there"),
}


@linux
@pytest.mark.parametrize(("which", "content", "reason"), RUBBISH.values(), ids=RUBBISH)
def test_a_worker_begins_with_the_last_good_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, which: str, content: bytes | None, reason: str
) -> None:
    site = Site(tmp_path)
    site.keep()
    old, path = shown(site.parent), getattr(site, which)
    key = site.keyfile.read_text()
    path.unlink() if content is None else path.write_bytes(content)
    caplog.set_level(logging.DEBUG)
    with site.worker() as (tls, _):
        assert shown(tls) == old
        (record,) = caplog.records
        assert (record.levelname, record.name) == ("WARNING", "pounce.tls")
        assert record.getMessage().startswith("worker 3 begins with the certificates that were last good, because")
        assert f"{path} {reason}" in record.getMessage()
        assert key.splitlines()[1] not in caplog.text
        for _ in range(3):  # said already
            assert not tls.look()
        assert len(caplog.records) == 1
        path.unlink(missing_ok=True)
        make_dev_certificate(tmp_path, force=True)
        assert tls.look()
        assert shown(tls) != old


@linux
def test_http3_begins_with_them_too_and_takes_new_ones_later(tmp_path: Path) -> None:
    pytest.importorskip("pounce_h3")
    site = Site(tmp_path, quic_bind="127.0.0.1:0")
    site.keep()
    site.certfile.write_bytes(b"rubbish")
    with site.worker() as (tls, quic):
        old = shown(site.parent)
        assert ssl.PEM_cert_to_DER_cert(quic.first.certificate) == ssl.PEM_cert_to_DER_cert(old)
        make_dev_certificate(tmp_path, force=True)
        assert tls.look()
        assert quic.first.certificate != old
        assert ssl.PEM_cert_to_DER_cert(quic.first.certificate) == ssl.PEM_cert_to_DER_cert(shown(tls))


def test_without_an_answer_the_files_are_the_error(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.certfile.write_bytes(b"rubbish")
    with pytest.raises(ConfigError, match="holds no certificate in PEM form"), site.worker():
        pass
    assert site.birth.asked == [LAST_GOOD]
    site.answers[LAST_GOOD] = lambda _: {}  # nothing was kept
    with pytest.raises(ConfigError, match="holds no certificate in PEM form"), site.worker():
        pass


@linux
def test_where_memory_cannot_be_had_the_files_are_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path)
    site.keep()
    site.certfile.write_bytes(b"rubbish")
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(ConfigError, match="holds no certificate in PEM form"), site.worker():
        pass


def test_without_tls_there_is_nothing_to_keep_or_ask() -> None:
    answers: dict[str, Answer] = {}
    answer_with_last_good(answers, None)
    assert answers == {}
    birth: Any = Birth(answers)
    with worker_certificates(ServerConfig.of({"app": "main:app"}), birth) as opened:
        assert opened == (None, None)
