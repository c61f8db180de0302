"""What is measured over TLS, WebSockets and HTTP/2: certificates, right answers, load generators, what they report."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import answers, apps, certificate, compare, h2_load, websocket_load
from benchmarks.answers import check_answer
from benchmarks.certificate import CertificateError, CertificateFiles, can_make_certificates, make_certificate
from benchmarks.generator import LoadError, LoadReport, run_generator, run_own_generator
from benchmarks.h2_load import latencies, parse_report
from benchmarks.handshake_load import shake_hands
from benchmarks.load import GENERATORS, put_load
from benchmarks.machine import Interpreter
from benchmarks.quic_client import answer_of, can_speak_quic, request_bytes
from benchmarks.quic_load import ask_over_http3
from benchmarks.servers import SERVERS, Launch, Mode, ServerError, find_program
from benchmarks.serving import serving
from benchmarks.websocket_client import PING, frame, masked_frame, open_websocket
from benchmarks.websocket_load import exchange_messages
from benchmarks.wires import Wire
from benchmarks.workloads import WORKLOADS, Load, Workload
from tests.benchmark_http3_server import Http3Server
from tests.benchmark_servers import EchoServer, Http1Server, Http2Server

if TYPE_CHECKING:
    from pathlib import Path

linux = pytest.mark.skipif(sys.platform != "linux", reason="benchmarks measure by means of epoll and /proc")
needs_certificates = pytest.mark.skipif(not can_make_certificates(), reason="NEITHER OPENSSL NOR TRUSTME IS HERE")


def interpreter() -> Interpreter:
    """One without any packages."""
    return Interpreter(
        path="python",
        base="python",
        version="3.14.2",
        compiler="GCC",
        free_threaded=True,
        optimised=True,
        lto=True,
        versions={},
        holds_gil=[],
    )


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return make_certificate(tmp_path)


# -- certificates ----------------------------------------------------------------------------------------------------


def assert_usable(made: CertificateFiles) -> None:
    assert made.key.read_text().startswith("-----BEGIN PRIVATE KEY-----")  # PKCS #8
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.certificate, made.key)  # raises if they do not match


@pytest.mark.skipif(find_program("openssl") is None, reason="THERE IS NO OPENSSL: it has not run")
def test_a_certificate_by_openssl(tmp_path: Path) -> None:
    assert can_make_certificates()
    assert_usable(make_certificate(tmp_path))


BY_TRUSTME = """
import sys
from pathlib import Path
from benchmarks import certificate
certificate.find_program = lambda _: None
assert certificate.can_make_certificates()
certificate.make_certificate(Path(sys.argv[1]))
"""


@pytest.mark.skipif(importlib.util.find_spec("trustme") is None, reason="TRUSTME IS NOT INSTALLED: it has not run")
def test_a_certificate_by_trustme(tmp_path: Path) -> None:
    # In a process of its own: the tests after this one shall not find all that it imports.
    run_generator([sys.executable, "-c", BY_TRUSTME, str(tmp_path)], seconds=1, core=None)
    assert_usable(CertificateFiles(certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem"))


def test_without_a_maker_there_is_no_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "find_program", lambda _: None)
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(CertificateError, match="neither openssl nor trustme"):
        make_certificate(tmp_path)


# -- HTTP/1.1 over TLS -----------------------------------------------------------------------------------------------


@needs_certificates
def test_an_answer_over_tls(files: CertificateFiles) -> None:
    with Http1Server(files) as server:
        check_answer(server.port, WORKLOADS["tls"])
    with (
        Http1Server(files, body=b"another") as server,
        pytest.raises(ServerError, match="answered 200 with b'another'"),
    ):
        check_answer(server.port, WORKLOADS["tls"])
    with Http1Server(None) as server, pytest.raises(ServerError, match="no TLS"):
        check_answer(server.port, WORKLOADS["tls"])


@needs_certificates
def test_every_connection_has_a_full_handshake(files: CertificateFiles) -> None:
    with Http1Server(files) as server:
        report = shake_hands(server.port, connections=2, seconds=0.2, answer=b"Hello, world!")
    assert report.failures == 0
    assert report.requests == len(server.reused) >= 2
    assert not any(server.reused)
    assert 0 < report.p99 <= report.seconds
    assert report.seconds >= 0.2


@needs_certificates
def test_other_answers_are_failures_of_a_handshake(files: CertificateFiles) -> None:
    with Http1Server(files, body=b"another") as server:
        report = shake_hands(server.port, connections=1, seconds=0.05, answer=b"Hello, world!")
    assert report.requests == 0
    assert report.failures >= 1


# -- WebSockets ------------------------------------------------------------------------------------------------------


def test_frames_are_those_of_the_standard() -> None:
    """RFC 6455, 5.7: a single-frame text message, unmasked and masked."""
    assert frame(b"Hello") == bytes.fromhex("810548656c6c6f")
    assert masked_frame(b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("818537fa213d7f9f4d5158")


def test_messages_differ_and_can_be_had_again() -> None:
    made = websocket_load.exchanges(64, seed=1)
    assert len({one.sent for one in made}) == len({one.echo for one in made}) == len(made)
    assert {(len(one.sent), len(one.echo)) for one in made} == {(70, 66)}
    assert made == websocket_load.exchanges(64, seed=1) != websocket_load.exchanges(64, seed=2)


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Accept: {accept}",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}",
        EchoServer.HANDSHAKE + "\r\nSec-WebSocket-Extensions: permessage-deflate",
    ],
)
def test_wrong_handshakes_are_noticed(answer: str) -> None:
    with (
        EchoServer(handshake=answer) as server,
        pytest.raises(ServerError, match="answered a WebSocket handshake with"),
    ):
        open_websocket(server.port)


def test_an_echo_is_the_right_answer() -> None:
    with EchoServer() as server:
        check_answer(server.port, WORKLOADS["websocket"])
    with (
        EchoServer(echo=lambda message: [frame(message.upper())]) as server,
        pytest.raises(ServerError, match="not 200"),
    ):
        check_answer(server.port, WORKLOADS["websocket"])


@linux
@pytest.mark.parametrize(
    "echo",
    [
        lambda message: [frame(message)],
        lambda message: [frame(message)[:1], frame(message)[1:]],
        lambda message: [frame(b"are you there?", PING) + frame(message)],
        lambda message: [frame(b"", PING)[:1], frame(b"", PING)[1:] + frame(message)[:30], frame(message)[30:]],
        lambda message: [frame(message) + frame(b"late", PING)],
    ],
    ids=["at once", "in pieces", "after a ping", "after a ping in pieces", "before a ping"],
)
def test_messages_are_exchanged(echo: Any) -> None:
    with EchoServer(echo=echo) as server:
        report = exchange_messages(server.port, connections=3, seconds=0.2, size=64)
    assert report.failures == 0
    assert report.requests == server.messages >= 3
    assert 0 < report.p99 <= report.seconds
    assert report.seconds >= 0.2
    # Pings were answered, and each of the three said goodbye.
    assert server.closed == 3
    if b"are you there?" in b"".join(echo(b"")):
        assert server.pongs == [b"are you there?"] * report.requests


@linux
@pytest.mark.parametrize(
    "echo",
    [
        lambda message: [frame(message.swapcase())],
        lambda message: [frame(message)[:-1] + b"\0"],
        lambda message: [frame(message, 0x2)],
        lambda message: None,
    ],
    ids=["others", "last byte", "bytes", "connection closed"],
)
def test_wrong_echoes_are_failures(echo: Any) -> None:
    with EchoServer(echo=echo) as server:
        report = exchange_messages(server.port, connections=3, seconds=0.2, size=64)
    assert (report.requests, report.failures) == (0, 3)
    assert report.seconds < websocket_load.GRACE_SECONDS  # nobody is left to wait for


@linux
def test_an_echo_that_never_comes_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_load, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(websocket_load, "CLOSE_SECONDS", 0.1)
    with EchoServer(echo=lambda _: []) as server:
        report = exchange_messages(server.port, connections=2, seconds=0.1, size=64)
    assert (report.requests, report.failures) == (0, 2)


@linux
def test_a_generator_of_ours_reports_as_a_program() -> None:
    with EchoServer() as server:
        arguments = [str(server.port), "--connections", "2", "--size", "64"]
        report = run_own_generator("benchmarks.websocket_load", arguments, seconds=1, core=None)
    assert report.requests == server.messages >= 2
    assert report.failures == 0


def test_the_application_sends_messages_back_as_they_are() -> None:
    incoming: list[Any] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "one"},
        {"type": "websocket.receive", "text": "", "bytes": None},
        {"type": "websocket.receive", "bytes": b"two"},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "websocket"}
    asyncio.run(apps.echo_messages(scope, receive, send))
    assert sent == [
        {"type": "websocket.accept"},
        {"type": "websocket.send", "text": "one"},
        {"type": "websocket.send", "text": ""},
        {"type": "websocket.send", "bytes": b"two"},
    ]


# -- HTTP/2 ----------------------------------------------------------------------------------------------------------

H2LOAD = """\
starting benchmark...
spawning thread #0: 16 total client(s). Timing-based test with 0s of warm-up time and 1s of main duration for \
measurements.
progress: 100% of clients started
Main benchmark duration is started for thread #0.
Application protocol: {protocol}
Main benchmark duration is over for thread #0. Stopping all clients.
Stopped all clients for thread #0

finished in {finished}, 3450.00 req/s, 153.60KB/s
requests: 3450 total, 3610 started, 3450 done, 3447 succeeded, 3 failed, 1 errored, 0 timeout
status codes: 3447 2xx, 0 3xx, 0 4xx, 2 5xx
traffic: 153.60KB (157282) total, 17.89KB (18322) headers (space savings 94.64%), 43.80KB (44850) data
                     min         max         mean         sd        +/- sd
time for request:    14.48ms    169.17ms     45.64ms     14.66ms    91.57%
time for connect:       66us       306us       174us        68us    62.50%
time to 1st byte:    15.07ms    168.83ms     76.22ms     49.25ms    62.50%
req/s           :     190.98      239.92      215.57       16.11    75.00%
"""


@pytest.mark.parametrize(("finished", "seconds"), [("1.02s", 1.02), ("500.00ms", 0.5), ("1.00m", 60)])
def test_what_h2load_reports(finished: str, seconds: float) -> None:
    report = parse_report(H2LOAD.format(protocol="h2c", finished=finished), (0.3, 0.1, 0.2))
    assert report == LoadReport(requests=3447, seconds=seconds, p99=0.3, failures=3)


def test_h2load_has_to_speak_http2() -> None:
    with pytest.raises(LoadError, match=r"spoke http/1\.1, not HTTP/2"):
        parse_report(H2LOAD.format(protocol="http/1.1", finished="1.00s"), ())
    with pytest.raises(LoadError, match="reported nothing"):
        parse_report("Could not connect", ())


def test_a_log_of_h2load_may_be_cut_off(tmp_path: Path) -> None:
    log = tmp_path / "requests.log"
    log.write_text("1732218422000000\t200\t1500\n1732218422000001\t200\t2500\t7\n1732218422000002\t20")
    assert list(latencies(log)) == [0.0015, 0.0025]


@pytest.mark.skipif(importlib.util.find_spec("h2") is None, reason="H2 IS NOT INSTALLED: it has not run")
@needs_certificates
@pytest.mark.parametrize("name", ["h2c", "h2"])
def test_an_answer_over_http2(name: str, files: CertificateFiles) -> None:
    workload = WORKLOADS[name]
    tls = files if workload.wire.secure else None
    with Http2Server(tls) as server:
        check_answer(server.port, workload)
    assert server.asked == [(b"GET", workload.wire.scheme.encode(), f"127.0.0.1:{server.port}".encode(), b"/")]
    with Http2Server(tls, body=b"another") as server, pytest.raises(ServerError, match="answered 200 with b'another'"):
        check_answer(server.port, workload)
    with Http2Server(tls, body=None) as server, pytest.raises(ServerError, match="no answer over HTTP/2 but"):
        check_answer(server.port, workload)


@needs_certificates
def test_a_server_that_does_not_choose_http2_is_noticed(files: CertificateFiles) -> None:
    pytest.importorskip("h2")
    with Http1Server(files) as server, pytest.raises(ServerError, match="did not choose h2"):
        check_answer(server.port, WORKLOADS["h2"])


# -- HTTP/3 ----------------------------------------------------------------------------------------------------------

needs_quic = pytest.mark.skipif(not can_speak_quic(), reason="NEITHER QH3 NOR AIOQUIC IS INSTALLED: it has not run")


def test_a_request_over_http3_is_one_frame() -> None:
    assert request_bytes(authority="a:1", path="/") == bytes.fromhex("010a0000d1d75003") + b"a:1" + b"\xc1"
    assert request_bytes(authority="a", path="/b") == bytes.fromhex("010b0000d1d75001") + b"a" + b"\x51\x02/b"
    long = request_bytes(authority="a" * 100, path="/")
    assert long[:3] == bytes((1, 0x40, len(long) - 3))


@pytest.mark.parametrize(
    ("stream", "answer"),
    [
        ("01030000d9 0002 6869", (200, b"hi")),
        ("01030000d9 0001 68 21024141 0001 69", (200, b"hi")),
        ("01050000d9", None),
        ("01030000dc 0002 6869", (0, b"hi")),
        ("0002 6869", None),
        ("", None),
        ("01030000d9 40", None),
    ],
    ids=["whole", "in pieces", "cut off", "another status", "no head", "nothing", "cut in a number"],
)
def test_answers_over_http3_are_read(stream: str, answer: tuple[int, bytes] | None) -> None:
    if answer is None:
        with pytest.raises(ServerError, match="no answer over HTTP/3"):
            answer_of(bytes.fromhex(stream))
    else:
        assert answer_of(bytes.fromhex(stream)) == answer


@needs_quic
@needs_certificates
def test_an_answer_over_http3(files: CertificateFiles) -> None:
    with Http3Server(files) as server:
        check_answer(server.port, WORKLOADS["h3"])
    expected = {b":method": b"GET", b":scheme": b"https", b":path": b"/"}
    assert server.asked == [expected | {b":authority": f"127.0.0.1:{server.port}".encode()}]
    with (
        Http3Server(files, body=b"another") as server,
        pytest.raises(ServerError, match="answered 200 with b'another'"),
    ):
        check_answer(server.port, WORKLOADS["h3"])
    with Http3Server(files, status=b"204") as server, pytest.raises(ServerError, match="answered 0 with"):
        check_answer(server.port, WORKLOADS["h3"])
    with Http3Server(files, body=None) as server, pytest.raises(ServerError, match="no answer over HTTP/3 but"):
        check_answer(server.port, WORKLOADS["h3"])


@needs_quic
@linux
def test_nobody_at_a_port_is_noticed_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        check_answer(port, WORKLOADS["h3"])


@needs_quic
@linux
@needs_certificates
def test_load_over_http3(files: CertificateFiles) -> None:
    with Http3Server(files) as server:
        report = ask_over_http3(server.port, connections=2, streams=3, seconds=0.3, answer=b"Hello, world!")
    assert report.failures == 0
    assert report.requests == len(server.asked) >= 6
    assert 0 < report.p99 <= report.seconds
    assert report.seconds >= 0.3


@needs_quic
@linux
@needs_certificates
def test_other_answers_over_http3_are_failures(files: CertificateFiles) -> None:
    with Http3Server(files, body=b"another") as server:
        report = ask_over_http3(server.port, connections=1, streams=2, seconds=0.05, answer=b"Hello, world!")
    assert report.requests == 0
    assert report.failures == len(server.asked) >= 2


@needs_quic
@linux
@needs_certificates
@pytest.mark.parametrize(
    ("wrong", "requests"), [({"body": None}, 0), ({"most": 3}, 3)], ids=["streams are reset", "the connection ends"]
)
def test_a_connection_that_breaks_is_a_failure(files: CertificateFiles, wrong: Any, requests: int) -> None:
    with Http3Server(files, **wrong) as server:
        report = ask_over_http3(server.port, connections=1, streams=1, seconds=5, answer=b"Hello, world!")
    assert (report.requests, report.failures) == (requests, 1)
    assert report.seconds < 5  # nobody is left to ask


# -- Pounce ----------------------------------------------------------------------------------------------------------

OTHER_WIRES = [workload for workload in WORKLOADS.values() if workload.wire is not Wire.HTTP]


@linux
@pytest.mark.parametrize("workload", OTHER_WIRES, ids=lambda workload: workload.name)
def test_pounce_answers_every_workload_as_its_table_says(workload: Workload) -> None:
    if what := compare.what_is_missing(workload, interpreter()):
        pytest.skip(f"{what}: it has not run")
    with serving(SERVERS["pounce"], workload, Mode.QUIET, python=sys.executable, core=None) as (_, port):
        # As a proof that what is read is what h2load really writes, and that ours is understood.
        if workload.load in (Load.H2LOAD, Load.QUIC):
            report = put_load(port, workload, seconds=1, core=None)
            assert report.requests > 0 == report.failures
            assert 0 < report.p99 < report.seconds


# -- the tables ------------------------------------------------------------------------------------------------------


def test_every_load_has_a_generator() -> None:
    assert set(GENERATORS) == set(Load)
    for workload in WORKLOADS.values():
        assert (workload.load is Load.H2LOAD) == workload.wire.http2
        assert (workload.load is Load.QUIC) == (workload.wire is Wire.H3)
        assert (workload.load is Load.MESSAGES) == (workload.wire is Wire.WEBSOCKET)
        assert workload.wire in SERVERS[workload.reference].wires
        assert workload.wire in SERVERS["pounce"].wires


def test_a_generator_that_fails_says_why() -> None:
    with pytest.raises(LoadError, match="cannot be run"):
        run_generator(["/nowhere/wrk"], seconds=1, core=None)
    with pytest.raises(LoadError, match=r"ended with 3: no luck"):
        run_generator([sys.executable, "-c", "import sys; print('no luck'); sys.exit(3)"], seconds=1, core=None)


@pytest.mark.parametrize("name", [server.name for server in SERVERS.values() if Wire.TLS in server.wires])
def test_commands_name_the_certificate(name: str, tmp_path: Path) -> None:
    files = CertificateFiles(certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem")
    launch = Launch(
        python="bin/python", app="a:b", port=8123, mode=Mode.QUIET, folder=tmp_path, wire=Wire.TLS, certificate=files
    )
    command = " ".join(SERVERS[name].command(launch))
    said = (tmp_path / "nginx.conf").read_text() if name == "nginx" else command
    assert said.count(str(files.certificate)) == said.count(str(files.key)) == 1
    assert "listen 127.0.0.1:8123 ssl backlog" in said or name != "nginx"


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither programs nor packages are here."""
    for module in (certificate, h2_load):
        monkeypatch.setattr(module, "find_program", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


@pytest.mark.usefixtures("missing")
@pytest.mark.parametrize(
    ("workload", "word"),
    [
        ("hello", ""),
        ("websocket", ""),
        ("tls", "openssl"),
        ("h2c", "h2load"),
        ("h2", "h2load"),
        ("h3", "qh3"),
        ("fastapi", "fastapi"),
    ],
)
def test_what_is_missing_is_said(workload: str, word: str) -> None:
    said = compare.what_is_missing(WORKLOADS[workload], interpreter())
    assert word in said
    assert bool(word) == bool(said)
    assert not answers.can_ask_over_http2()
