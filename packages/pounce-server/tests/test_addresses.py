"""Where a server listens, and what is said when it may not."""

from __future__ import annotations

import errno
import logging
import os
import pathlib
import socket
import stat
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from pounce import Address, BindError, ServerConfig, addresses
from pounce.addresses import ListeningSockets, listen, places
from pounce.places import FdPlace, Place, ServicePlace, TcpPlace, UnixPlace
from pounce.socket_activation import Activation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder() -> Iterator[pathlib.Path]:
    """A short path, because that of a UNIX socket may have about 100 bytes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield pathlib.Path(name)


def config(**settings: Any) -> ServerConfig:
    return ServerConfig.of({"app": "main:app", **settings})


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (Address("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (Address("::1", 8000), "http://[::1]:8000"),
        (Address("/run/it.sock", None), "unix:/run/it.sock"),
    ],
)
def test_url(address: Address, url: str) -> None:
    assert address.url == url


def test_address_of_a_bound_socket() -> None:
    (listener,) = addresses.listen(ServerConfig(app="main:app", port=0)).sockets
    with listener:
        address = Address.of(listener)
    assert address.host == "127.0.0.1"
    assert address.port


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "it.sock")
    (listener,) = addresses.listen(ServerConfig(app="main:app", uds=path)).sockets
    with listener:
        assert Address.of(listener) == Address(path, None)


def test_descriptor() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        (listener,) = addresses.listen(ServerConfig(app="main:app", fd=os.dup(given.fileno()))).sockets
        with listener:
            assert Address.of(listener) == Address(*given.getsockname())


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BindError) as caught:
            addresses.listen(ServerConfig(app="main:app", port=port))
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: the address is in use; stop what listens there, or choose another --port"
    )
    assert isinstance(caught.value.__cause__, OSError)


TCP = {"host": "example.test", "port": 80}
UDS = {"uds": "/run/it.sock"}
UNRESOLVED = "the host name cannot be resolved; give an address of this machine, or 0.0.0.0 for all of them"


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        (TCP, PermissionError(errno.EACCES, "x"), "example.test:80: no permission; a port below 1024 needs privileges"),
        (TCP | {"port": 8080}, PermissionError(errno.EACCES, "x"), "example.test:8080: no permission"),
        (UDS, PermissionError(errno.EACCES, "x"), "unix:/run/it.sock: no permission"),
        (UDS, OSError(errno.EADDRINUSE, "x"), "unix:/run/it.sock: the address is in use"),
        (UDS, FileNotFoundError(errno.ENOENT, "x"), "unix:/run/it.sock: its folder does not exist"),
        (TCP, OSError(errno.EADDRNOTAVAIL, "x"), "example.test:80: this machine has no such address"),
        (TCP, socket.gaierror(-2, "x"), f"example.test:80: {UNRESOLVED}"),
        (TCP, UnicodeError("x"), f"example.test:80: {UNRESOLVED}"),
        ({"fd": 5}, OSError(errno.EBADF, "x"), "file descriptor 5: it is not a socket that this process was given"),
        ({"fd": 5}, OSError(errno.ENOTSOCK, "x"), "file descriptor 5: it is not a socket"),
        (TCP, OSError(errno.EAFNOSUPPORT, "x"), "example.test:80: this machine has no addresses of this family"),
        (TCP, OSError(errno.EIO, "Input/output error"), "example.test:80: Input/output error"),
        (TCP, ValueError("why not"), "example.test:80: why not"),
        ({"bind": ["a:1", "b:2"]}, OSError(errno.EADDRINUSE, "x", "b:2"), "b:2: the address is in use; stop what"),
        ({"bind": ["a:1", "[::]:80"]}, OSError(errno.EACCES, "x", "[::]:80"), "[::]:80: no permission; a port below"),
        ({"bind": ["a:1", "b:2"]}, OSError(errno.EIO, "Input/output error"), "a:1 b:2: Input/output error"),
    ],
)
def test_refusals_in_words(
    monkeypatch: pytest.MonkeyPatch, where: dict[str, Any], error: Exception, message: str
) -> None:
    def refuse(*arguments: object, **options: object) -> socket.socket:
        raise error

    for name in ("bind_tcp_all", "bind_unix", "adopt_fd"):
        monkeypatch.setattr(addresses, name, refuse)
    with pytest.raises(BindError) as caught:
        addresses.listen(ServerConfig(app="main:app", **where))
    assert str(caught.value).startswith(f"cannot listen on {message}")


HANDED_OVER = Activation(((3, "web"),))


@pytest.mark.parametrize(
    ("settings", "activation", "expected"),
    [
        ({}, None, (TcpPlace("127.0.0.1", 8000),)),
        ({"host": "::", "port": 1}, None, (TcpPlace("::", 1),)),
        ({}, Activation(), (TcpPlace("127.0.0.1", 8000),)),
        ({"port": 1}, HANDED_OVER, (ServicePlace(""),)),
        ({"uds": "/x"}, HANDED_OVER, (UnixPlace("/x"),)),
        ({"fd": 3}, HANDED_OVER, (FdPlace(3),)),
        ({"bind": ["a:1", "systemd://web"]}, HANDED_OVER, (TcpPlace("a", 1), ServicePlace("web"))),
    ],
)
def test_where_to_listen(settings: dict[str, Any], activation: Activation | None, expected: tuple[Place, ...]) -> None:
    assert places(config(**settings), activation) == expected


def _connect(address: Address) -> None:
    if address.port is not None:
        socket.create_connection((address.host, address.port), 5).close()
        return
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + address.host[1:] if address.host.startswith("@") else address.host)


def test_several_places(folder: pathlib.Path) -> None:
    abstract = [f"unix:@pounce-test-{os.getpid()}"] if sys.platform == "linux" else []
    with socket.create_server(("127.0.0.1", 0)) as given:
        fd = os.dup(given.fileno())
        listening = listen(
            config(bind=["127.0.0.1:0", f"unix:{folder}/a", f"unix:{folder}/b", f"fd://{fd}", "localhost:0", *abstract])
        )
        found = listening.addresses
        assert {address.host for address in found} >= {"127.0.0.1", f"{folder}/a", f"{folder}/b"}
        assert Address(*given.getsockname()) in found
        for address in found:
            _connect(address)
        listening.close()
        listening.close()
    assert list(folder.iterdir()) == []
    for address in found:
        if address.host.startswith("/"):
            continue
        with pytest.raises(ConnectionRefusedError):
            _connect(address)


def test_permissions_of_a_unix_socket(folder: pathlib.Path) -> None:
    listening = listen(config(uds=f"{folder}/s", uds_permissions="606"))
    assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o606
    listening.close()


def test_all_or_none(folder: pathlib.Path) -> None:
    """What was opened before the one that cannot be is closed, and its file removed."""
    (folder / "file").write_text("precious")
    with pytest.raises(BindError, match="a file that is not a socket"):
        listen(config(bind=["127.0.0.1:0", f"unix:{folder}/a", f"unix:{folder}/file"]))
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_the_file_of_another_server_is_not_removed(folder: pathlib.Path) -> None:
    listening = listen(config(uds=f"{folder}/s"))
    (folder / "s").unlink()
    other = listen(config(uds=f"{folder}/s"))
    listening.close()
    _connect(*other.addresses)
    other.close()


# -- what systemd hands over -----------------------------------------------------------------------------------------


def _handed_over(*names: str) -> tuple[Activation, list[Address]]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    addresses = [Address.of(one) for one in sockets]
    return Activation(tuple((one.detach(), name) for one, name in zip(sockets, names, strict=True))), addresses


def test_the_sockets_of_systemd_take_the_place_of_host_and_port(caplog: pytest.LogCaptureFixture) -> None:
    activation, addresses = _handed_over("web", "admin")
    listening = listen(config(port=1), activation=activation)
    assert list(listening.addresses) == addresses
    listening.close()
    assert caplog.records == []


def test_one_of_the_sockets_of_systemd_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """The other is closed: its clients would wait for nobody."""
    activation, (web, admin) = _handed_over("web", "admin")
    with caplog.at_level(logging.WARNING):
        listening = listen(config(bind=["systemd://admin", "127.0.0.1:0"]), activation=activation)
    assert admin in listening.addresses
    assert web not in listening.addresses
    with pytest.raises(ConnectionRefusedError):
        _connect(web)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"The socket web (descriptor {activation.descriptors[0][0]}) that systemd handed over is not asked for, so it"
        " is closed"
    )
    listening.close()


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (
            None,
            "cannot listen on systemd://web: systemd handed over no such socket; it handed over none; is the socket",
        ),
        (Activation(((99, "b"), (98, "a"))), "it handed over: a, b"),
    ],
)
def test_a_socket_that_systemd_did_not_hand_over(activation: Activation | None, message: str) -> None:
    with pytest.raises(BindError) as caught:
        listen(config(bind=["systemd://web"]), activation=activation)
    assert message in str(caught.value)


def test_a_socket_that_does_not_listen_is_named() -> None:
    """As systemd hands one over with Accept=yes."""
    ours, theirs = socket.socketpair()
    with theirs:
        fd = ours.detach()
        with pytest.raises(BindError, match=f"systemd://: descriptor {fd} is not a listening stream socket"):
            listen(config(), activation=Activation(((fd, "web"),)))
        os.close(fd)


def test_a_descriptor_that_is_named_twice_is_one_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.detach()
        listening = listen(
            config(bind=[f"fd://{fd}", f"fd://{fd}", "systemd://"]), activation=Activation(((fd, "web"),))
        )
        assert [one.fileno() for one in listening.sockets] == [fd]
        listening.close()


# -- the backlog -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "said"), [(None, 0), (2048, 0), (4096, 0), (128, 1)])
def test_a_backlog_that_is_cut_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: int | None, said: int
) -> None:
    monkeypatch.setattr(addresses, "backlog_limit", lambda: limit)
    listen(config(bind=["127.0.0.1:0", "127.0.0.1:0", "localhost:0"])).close()
    assert [record.getMessage() for record in caplog.records] == [
        "The backlog of 2048 is cut to 128 by the system (net.core.somaxconn)"
    ] * said


def test_the_backlog_of_an_inherited_socket_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(addresses, "backlog_limit", lambda: 1)
    with socket.create_server(("127.0.0.1", 0)) as given:
        listening = listen(config(fd=os.dup(given.fileno())))
    assert isinstance(listening, ListeningSockets)
    listening.close()
    assert caplog.records == []
