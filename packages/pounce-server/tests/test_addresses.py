"""Where a server listens, and what is said when it may not."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from pounce import Address, BindError, ServerConfig, addresses

if TYPE_CHECKING:
    from pathlib import Path


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
    (listener,) = addresses.bind(ServerConfig(app="main:app", port=0))
    with listener:
        address = Address.of(listener)
    assert address.host == "127.0.0.1"
    assert address.port


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "it.sock")
    (listener,) = addresses.bind(ServerConfig(app="main:app", uds=path))
    with listener:
        assert Address.of(listener) == Address(path, None)


def test_descriptor() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        (listener,) = addresses.bind(ServerConfig(app="main:app", fd=os.dup(given.fileno())))
        with listener:
            assert Address.of(listener) == Address(*given.getsockname())


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BindError) as caught:
            addresses.bind(ServerConfig(app="main:app", port=port))
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: the address is in use; stop what listens there, or choose another --port"
    )
    assert isinstance(caught.value.__cause__, OSError)


TCP = {"host": "example.test", "port": 80}
UDS = {"uds": "/run/it.sock"}


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        (TCP, PermissionError(errno.EACCES, "x"), "example.test:80: no permission; a port below 1024 needs privileges"),
        (TCP | {"port": 8080}, PermissionError(errno.EACCES, "x"), "example.test:8080: no permission"),
        (UDS, PermissionError(errno.EACCES, "x"), "unix:/run/it.sock: no permission"),
        (UDS, OSError(errno.EADDRINUSE, "x"), "unix:/run/it.sock: the address is in use"),
        (UDS, FileNotFoundError(errno.ENOENT, "x"), "unix:/run/it.sock: its folder does not exist"),
        (TCP, OSError(errno.EADDRNOTAVAIL, "x"), "example.test:80: this machine has no such address"),
        (TCP, socket.gaierror(-2, "x"), "example.test:80: the host name cannot be resolved"),
        (TCP, UnicodeError("x"), "example.test:80: the host name cannot be resolved"),
        ({"fd": 5}, OSError(errno.EBADF, "x"), "file descriptor 5: it is not a socket that this process was given"),
        ({"fd": 5}, OSError(errno.ENOTSOCK, "x"), "file descriptor 5: it is not a socket"),
        (TCP, OSError(errno.EIO, "Input/output error"), "example.test:80: Input/output error"),
        (TCP, ValueError("why not"), "example.test:80: why not"),
    ],
)
def test_refusals_in_words(
    monkeypatch: pytest.MonkeyPatch, where: dict[str, Any], error: Exception, message: str
) -> None:
    def refuse(*arguments: object) -> socket.socket:
        raise error

    for name in ("bind_tcp", "bind_unix", "adopt_fd"):
        monkeypatch.setattr(addresses, name, refuse)
    with pytest.raises(BindError) as caught:
        addresses.bind(ServerConfig(app="main:app", **where))
    assert str(caught.value).startswith(f"cannot listen on {message}")
