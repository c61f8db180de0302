"""What ``pounce check`` says of places to listen."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce import ServerConfig
from pounce.checks import ports
from pounce.checks.ports import check_ports
from pounce.checks.report import Report
from pounce.sources import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pounce.checks.report import Finding


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@pytest.fixture(autouse=True)
def long_backlogs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "backlog_limit", lambda: 4096)


def found(**settings: Any) -> list[Finding]:
    report = Report({name: Origin(f"--{name}") for name in settings})
    check_ports(ServerConfig.of({"app": "main:app", **settings}), report)
    return report.findings


def test_a_port_that_is_free_is_free_afterwards() -> None:
    for _ in range(2):
        (finding,) = found(port=0)
        assert (finding.level, finding.what) == ("ok", "127.0.0.1:0 can be listened on")


def test_a_port_that_is_in_use(taken: int) -> None:
    (finding,) = found(port=taken)
    assert (finding.level, finding.origin) == ("error", "--port")
    assert finding.what == f"cannot listen on 127.0.0.1:{taken}: the address is in use"
    assert finding.do == "stop what listens there, or choose another --port"


def test_the_host_is_named_where_it_was_given() -> None:
    (finding,) = found(host="192.0.2.1")
    assert (finding.level, finding.origin) == ("error", "--host")


def test_every_place_is_tried(taken: int) -> None:
    several = found(bind=[f"127.0.0.1:{taken}", "127.0.0.1:0", "192.0.2.1:0"])
    assert [(one.level, one.origin) for one in several] == [("error", "--bind"), ("ok", "--bind"), ("error", "--bind")]


def test_a_port_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ports, "bind_tcp_all", refuse)
    (finding,) = found(port=80)
    assert (finding.level, finding.what) == ("error", "cannot listen on 127.0.0.1:80: no permission")
    assert finding.do == "a port below 1024 needs privileges, --port 8000 does not"


@pytest.mark.skipif(sys.platform == "win32", reason="UNIX sockets")
def test_unix_sockets(tmp_path: Path) -> None:
    path = tmp_path / "s"
    (finding,) = found(uds=str(path))
    assert (finding.level, finding.origin, path.exists()) == ("ok", "--uds", False)
    (finding,) = found(uds=str(tmp_path / "no" / "s"))
    assert (finding.level, finding.what.endswith("its folder does not exist")) == ("error", True)


@pytest.mark.parametrize("settings", [{"fd": 3}, {"bind": ["fd://3"]}, {"bind": ["systemd://web"]}])
def test_what_others_hand_over_is_not_looked_at(settings: dict[str, Any]) -> None:
    assert [one.level for one in found(**settings)] == ["note"]


def test_places_beside_the_first(taken: int) -> None:
    several = found(port=0, metrics=True, metrics_bind=f"127.0.0.1:{taken}")
    assert [(one.level, one.origin) for one in several] == [("ok", "--port"), ("error", "--metrics_bind")]
    several = found(port=0, introspection=True, introspection_bind=f"127.0.0.1:{taken}")
    assert [(one.level, one.origin) for one in several] == [("ok", "--port"), ("error", "--introspection_bind")]
    several = found(port=0, ssl_certfile="a.pem", ssl_redirect_port=taken)
    assert [(one.level, one.origin) for one in several] == [("ok", "--port"), ("error", "--ssl_redirect_port")]


def test_a_port_of_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        number = sock.getsockname()[1]
        several = found(port=0, ssl_certfile="a.pem", quic_bind=[f"127.0.0.1:{number}", "127.0.0.1:0"])
    assert [(one.level, one.origin) for one in several[1:]] == [("error", "--quic_bind"), ("ok", "--quic_bind")]
    assert several[1].do == "stop what listens there, or choose another --quic-bind"
    assert several[2].what == "127.0.0.1:0 can be listened on over UDP"


def test_a_backlog_that_the_system_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "backlog_limit", lambda: 128)
    finding = found(port=0, backlog=2048)[-1]
    assert (finding.level, finding.check, finding.origin) == ("warning", "limits", "--backlog")
    assert finding.what == "the backlog of 2048 is cut to 128 by the system (net.core.somaxconn)"
    assert finding.do == "sysctl -w net.core.somaxconn=2048, or --backlog 128"
    assert len(found(port=0, backlog=128)) == 1
