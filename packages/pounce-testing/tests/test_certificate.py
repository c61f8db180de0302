"""The certificate that all tests of a process share."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pounce.dev_certificate import make_dev_certificate
from pounce_testing import certificate, throw_away_certificate

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pounce.dev_certificate import DevCertificate


def test_threads_that_ask_at_once_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def slow(folder: Path) -> DevCertificate:
        calls.append(folder)
        time.sleep(0.01)  # long enough for the others to come
        return make_dev_certificate(folder)

    monkeypatch.setattr(certificate, "make_dev_certificate", slow)
    certificate._made.cache_clear()
    found = []
    begin = threading.Barrier(4)

    def ask() -> None:
        begin.wait(30)
        found.append(throw_away_certificate())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    assert len(set(found)) == len(calls) == 1
