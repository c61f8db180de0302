"""What is said to systemd, heard at the other end of its socket."""

from __future__ import annotations

import os
import pathlib
import socket
import tempfile
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pounce import service_manager
from pounce.service_manager import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Iterator


class Manager:
    """A socket as systemd listens on one."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("\0" + address[1:] if address.startswith("@") else address)
        self.sock.settimeout(10)

    def heard(self) -> list[str]:
        return self.sock.recv(4096).decode().split("\n")

    def nothing_more(self) -> bool:
        self.sock.setblocking(False)
        try:
            self.sock.recv(4096)
        except BlockingIOError:
            return True
        return False


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest) -> Iterator[Manager]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        address = f"{folder}/notify"
        if request.param == "abstract":
            if not pathlib.Path("/proc/net/unix").exists():
                pytest.skip("only Linux has abstract sockets")
            address = f"@{folder}"
        made = Manager(address)
        with made.sock:
            yield made


def test_everything_that_is_said(manager: Manager) -> None:
    service = ServiceManager(manager.address, watchdog_usec=3_000_000)
    assert service.active
    assert service.watchdog_interval == 1.5
    service.ready("Serving on http://127.0.0.1:8000")
    assert manager.heard() == ["READY=1", "STATUS=Serving on http://127.0.0.1:8000"]
    service.ready()
    assert manager.heard() == ["READY=1"]
    service.status("two\nREADY=1  lines")
    assert manager.heard() == ["STATUS=two READY=1 lines"]
    service.stopping(within=40.5)
    assert manager.heard() == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=40500000"]
    service.stopping("Draining")
    assert manager.heard() == ["STOPPING=1", "STATUS=Draining"]
    service.alive()
    assert manager.heard() == ["WATCHDOG=1"]
    service.status("")
    assert manager.nothing_more()


def test_a_reload_says_when(manager: Manager) -> None:
    before = time.monotonic_ns() // 1000
    ServiceManager(manager.address).reloading("Importing")
    first, second, third = manager.heard()
    assert (first, third) == ("RELOADING=1", "STATUS=Importing")
    name, _, value = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(value) <= time.monotonic_ns() // 1000


def _say_all(service: ServiceManager) -> None:
    service.ready("x")
    service.reloading()
    service.stopping(within=1)
    service.status("x")
    service.alive()
    with service.watched(lambda: pytest.fail("nobody watches")):
        pass


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *arguments: pytest.fail("a socket was opened"))
    service = ServiceManager.take({"WATCHDOG_USEC": "1000000"})
    assert not service.active
    assert service.watchdog_interval is None
    _say_all(service)


def test_a_manager_that_has_gone_is_no_error() -> None:
    _say_all(ServiceManager("/nowhere/at/all"))


def test_a_manager_whose_queue_is_full_is_not_waited_for(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_manager, "SEND_SECONDS", 0.01)
    service = ServiceManager(manager.address)
    for _ in range(2000):  # net.unix.max_dgram_qlen is 10 or 512
        began = time.monotonic()
        service.ready()
        if time.monotonic() - began >= 0.01:
            break
    else:
        pytest.fail("the queue was never full")
    assert manager.heard() == ["READY=1"]


@pytest.mark.parametrize(
    ("environ", "active", "interval"),
    [
        ({}, False, None),
        ({"NOTIFY_SOCKET": ""}, False, None),
        ({"NOTIFY_SOCKET": "/run/x"}, True, None),
        ({"NOTIFY_SOCKET": "@x"}, True, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000"}, True, 15.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, True, 15.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, True, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "0"}, True, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"}, True, None),
        ({"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "30000000"}, False, None),
    ],
)
def test_taken_from_the_environment(environ: dict[str, str], active: bool, interval: float | None) -> None:
    """And removed from there, so that no child speaks in the server's name."""
    environ = environ | {"OTHER": "x"}
    service = ServiceManager.take(environ, pid=7)
    assert (service.active, service.watchdog_interval) == (active, interval)
    assert environ == {"OTHER": "x"}


def test_taken_from_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert ServiceManager.take().watchdog_interval == 0.5
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ)


def test_signs_of_life_as_long_as_it_is_well(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    health = [True, True, False, False, True]
    asked = threading.Event()

    def is_healthy() -> bool:
        if len(health) == 1:
            asked.set()
            return health[0]
        return health.pop(0)

    before = threading.active_count()
    with ServiceManager(manager.address, watchdog_usec=20_000).watched(is_healthy):
        assert asked.wait(10)
        for _ in range(3):
            assert manager.heard() == ["WATCHDOG=1"]
    assert threading.active_count() == before
    assert [record.getMessage() for record in caplog.records] == [
        "The server is not well; without a change systemd restarts it soon"
    ]
