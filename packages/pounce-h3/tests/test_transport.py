"""A connection as its host sees it."""

from __future__ import annotations

import pytest
from endpoint_doubles import Stage


def test_it_says_what_a_host_asks_of_a_transport() -> None:
    stage = Stage()
    transport = stage.open().user.transport
    assert transport.peer == ("192.0.2.1", 1024)
    assert transport.local == ("198.51.100.1", 443)
    assert transport.scheme == "https"
    assert transport.deadline == float("inf")
    assert not transport.congested
    assert not transport.closing
    transport.pause_reading()
    transport.resume_reading()


def test_bytes_go_on_streams_only() -> None:
    transport = Stage().open().user.transport
    with pytest.raises(NotImplementedError):
        transport.write(b"x")
    with pytest.raises(NotImplementedError):
        transport.write_parts([b"x"])
    with pytest.raises(NotImplementedError):
        transport.sendfile(0, None, None)
