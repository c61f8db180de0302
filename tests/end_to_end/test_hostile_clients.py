"""Clients that want more than their share, and answers that end too early: nothing grows, nothing is mixed up."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from pounce_testing import VARIANTS
from pounce_testing.fixtures import everywhere, over
from pounce_workers.serving import http1_connection
from tests.end_to_end import applications
from tests.end_to_end.signals import WAIT_SECONDS

if TYPE_CHECKING:
    import pytest

    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
LARGEST_READ = 262144
"""What one read of a socket brings at most."""


# What waits inside a worker process cannot be seen from here; the code is that of every other worker. The client reads
# and writes in two threads, which one TLS connection does not allow.
@over([variant for variant in VARIANTS if not variant.processes and not variant.tls])
def test_requests_sent_ahead_wait_in_the_socket(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[int] = []
    receive = http1_connection.Http1Connection.data_received

    def noted(self: http1_connection.Http1Connection, data: bytes) -> None:
        waiting.append(self.reader.buffered + len(data))
        receive(self, data)

    monkeypatch.setattr(http1_connection.Http1Connection, "data_received", noted)
    count = 5_000
    with serve(applications.CASES).connect() as client:
        sender = threading.Thread(target=client.send, args=[GET % (b"hello" + b"x" * 200) * count])
        sender.start()
        answers = 0
        rest = b""
        while answers < count:
            rest = rest[-4:] + client.read_some()
            answers += rest.count(b"hello")
            assert answers or not client.at_end()
        sender.join(WAIT_SECONDS)
    assert waiting
    assert max(waiting) <= http1_connection.PIPELINE_BYTES + LARGEST_READ


@everywhere
def test_unread_answers_hold_up_requests_whose_bodies_are_dropped(serve_shared: Serve, signals: Signals) -> None:
    head = b"POST /half_read?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n" % signals.query
    server = serve_shared(applications.CASES)
    with server.connect() as client:
        client.send(head + b"12345")
        for _ in range(100):
            client.send(b"67890" + head + b"12345")
            with server.connect() as other:  # every worker turns in between
                other.send(GET % b"")
                other.read_response()
        # Some of it waits in the system's buffers for the client, but not 50 MB.
        assert 0 < len(list(signals.folder.glob("called-*"))) < 50


@everywhere
def test_a_client_that_leaves_does_not_hold_up_the_others(serve_shared: Serve, signals: Signals) -> None:
    server = serve_shared(applications.CASES)
    with server.connect() as leaving:
        leaving.send(GET % (b"endless/100?" + signals.query))
        assert not leaving.at_end()
    with server.connect() as client:
        client.send(GET % b"hello")
        assert client.read_response().body == b"/hello"
    signals.wait("gone")


@everywhere
def test_nothing_follows_a_file_that_became_shorter(serve_shared: Serve, signals: Signals) -> None:
    path = signals.folder / "file"
    path.write_bytes(b"f" * 40_000_000)
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % (b"file?" + signals.query) + GET % b"next")
        assert not client.at_end(), "the file is on its way"
        os.truncate(path, 20_000_000)
        assert b"/next" not in client.read_to_end()
