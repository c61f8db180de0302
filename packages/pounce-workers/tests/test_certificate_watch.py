"""The thread that looks at certificates."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

from pounce_workers.net.certificate_watch import CertificateWatch

if TYPE_CHECKING:
    import pytest

    from pounce_workers.net.tls_contexts import TlsContexts


class Looks:
    """Counts looks; some fail."""

    def __init__(self, *, failing: int = 0) -> None:
        self.failing = failing
        self.count = 0
        self.enough = threading.Event()

    def look(self) -> bool:
        self.count += 1
        if self.count >= 3:
            self.enough.set()
        if self.count <= self.failing:
            raise RuntimeError("a mistake of ours")
        return False


def watching(looks: Looks, interval: float) -> CertificateWatch:
    return CertificateWatch(cast("TlsContexts", looks), interval)


def test_looks_again_and_again_until_it_is_stopped() -> None:
    looks = Looks()
    watch = watching(looks, 0.001)
    watch.start()
    assert looks.enough.wait(20)
    watch.stop()
    count = looks.count
    assert not any(one.name == "pounce-certificates" for one in threading.enumerate())
    assert looks.count == count


def test_a_failure_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    looks = Looks(failing=2)
    watch = watching(looks, 0.001)
    watch.start()
    assert looks.enough.wait(20)
    watch.stop()
    assert caplog.messages == ["certificates could not be looked at; the old ones stay"] * 2


def test_stops_at_once_however_long_the_interval() -> None:
    looks = Looks()
    watch = watching(looks, 3600)
    watch.start()
    watch.stop(20)
    assert not any(one.name == "pounce-certificates" for one in threading.enumerate())
    assert looks.count == 0


def test_stop_before_start() -> None:
    watching(Looks(), 1).stop()
