"""Plain sockets to which bytes were put back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from watchers import socket_pair

from pounce_workers.net.rewound_socket import rewind
from pounce_workers.net.send_queue import FileRange

if TYPE_CHECKING:
    import pathlib


def test_what_was_put_back_comes_first() -> None:
    with socket_pair() as (ours, theirs):
        sock: Any = rewind(ours, b"world ")
        again: Any = rewind(sock, b"hello ")
        assert again is sock
        theirs.send(b"and more")
        assert (sock.rewound, sock.recv(1), sock.rewound) == (True, b"hello world ", False)
        assert sock.recv(100) == b"and more"
        with pytest.raises(BlockingIOError):
            sock.recv(100)


def test_it_sends_as_the_socket_does(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    sent: list[int] = []
    sendfile = getattr(os, "sendfile", None)

    def counted(*what: Any) -> int:
        assert sendfile is not None
        sent.append(1)
        return int(sendfile(*what))

    if sendfile is not None:
        monkeypatch.setattr(os, "sendfile", counted)
    with socket_pair() as (ours, theirs), path.open("rb") as file:
        sock: Any = rewind(ours, b"x")
        assert sock.fileno() == ours.fileno()
        assert sock.send(b"a") == 1
        assert sock.sendmsg([b"b", b"c"]) == 2

        class Done:
            done = staticmethod(lambda: False)
            set_result = staticmethod(lambda _: None)

        while not FileRange(file.fileno(), 0, 7, Done()).send_some(sock):  # type: ignore[arg-type]
            pass
        assert theirs.recv(100) == b"abccontent"
        assert sent or sendfile is None
        sock.close()
        assert theirs.recv(1) == b""
