"""Certificate files that become rubbish, and stay so while workers are killed and code is reloaded."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Final

import pytest

from pounce.dev_certificate import make_dev_certificate
from tests.under_load.code import write_code
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="certificates are kept in memory where Linux has files")

APP: Final = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


def shown(port: int) -> bytes | None:
    """The certificate that a client gets, or None if there is none to be had now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 10.0) as sock, context.wrap_socket(sock) as client:
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            assert client.recv(64).startswith(b"HTTP/1.1 200 ")
            return client.getpeercert(binary_form=True)
    except OSError:
        return None


def test_rubbish_in_the_files_ends_no_server_whose_workers_are_killed(tmp_path: Path) -> None:
    write_code(tmp_path, APP)
    made = make_dev_certificate(tmp_path)
    old_key = made.keyfile.read_text()
    arguments = ("--ssl-certfile", str(made.certfile), "--ssl-keyfile", str(made.keyfile), "--ssl-reload-interval", "1")
    with RunningServer(tmp_path, *arguments, "--worker-kind", "process", "--workers", "1") as server:
        port = int(server.wait_for(r"https://127\.0\.0\.1:(\d+)").group(1))
        old = shown(port)
        assert old is not None
        made.certfile.write_bytes(b"rubbish")
        made.keyfile.write_bytes(b"rubbish")
        (victim,) = server.workers
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: shown(port) == old, "its successor shows the old certificate")
        assert victim not in server.workers
        server.wait_for(rf"worker 0 begins with the certificates that were last good, because .*{made.certfile}")
        server.reload(2)
        assert shown(port) == old
        make_dev_certificate(tmp_path, force=True)
        wait_until(lambda: shown(port) not in {old, None}, "the new certificate is shown")
        assert server.stop() == 0
    assert "Traceback" not in server.log, server.news
    assert old_key.splitlines()[1] not in server.log
