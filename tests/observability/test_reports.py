"""Traces and Sentry's reports of a server that the command started: to receivers on loopback, in both kinds."""

from __future__ import annotations

import http.client
import signal
import sys
from pathlib import Path
from typing import Final

import pytest
from otlp_receiver import OtlpReceiver, attributes_of  # type: ignore[import-not-found]
from sentry_ingest import SentryIngest  # type: ignore[import-not-found]

from tests.end_to_end.process import ServerProcess

ROOT: Final = Path(__file__).parents[2]
APP: Final = "tests.observability.observed_application"
SOON: Final = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")


def ask(server: ServerProcess, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SOON)
    try:
        connection.request("GET", path, headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.parametrize(("kind", "workers"), [("thread", "2"), ("process", "1")])
def test_every_request_is_a_span_and_every_failure_one_report(kind: str, workers: str) -> None:
    with OtlpReceiver() as receiver, SentryIngest() as ingest:
        options = ("--port", "0", "--workers", workers, "--worker-kind", kind, "--otel", "--request-queue-limit", "4")
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        reports = ("--sentry-dsn", ingest.dsn, "--sentry-release", "1.2.3")
        with ServerProcess(ROOT, f"{APP}:app", *options, *reports, environ=environ) as server:
            assert [ask(server, path) for path in ("/", "/fail", "/")] == [200, 500, 200]
            server.send_signal(signal.SIGTERM)
            assert server.wait(SOON) == 0  # and everything was sent before
            assert "Traceback" in server.log
        spans = [span for _, span in receiver.spans()]
        assert [span.name for span in spans] == ["GET"] * 3
        assert {span.trace_id for span in spans} == {bytes.fromhex("ab" * 16)}
        paths = sorted(
            (attributes_of(span)["url.path"], attributes_of(span)["http.response.status_code"]) for span in spans
        )
        assert paths == [("/", 200), ("/", 200), ("/fail", 500)]
        (event,) = ingest.items("event")
        assert event["exception"]["values"][-1]["value"] == "as the test wants it"
        assert event["release"] == "1.2.3"


def test_a_wsgi_application_reports_too() -> None:
    with SentryIngest() as ingest:
        options = ("--port", "0", "--interface", "wsgi", "--sentry-dsn", ingest.dsn)
        with ServerProcess(ROOT, f"{APP}:wsgi", *options) as server:
            assert [ask(server, path) for path in ("/", "/fail")] == [200, 500]
            server.send_signal(signal.SIGTERM)
            assert server.wait(SOON) == 0
        (event,) = ingest.items("event")
        assert event["exception"]["values"][-1]["value"] == "as the test wants it"
