"""What went through a server, out of its metrics."""

from __future__ import annotations

from typing import Any

from pounce_observability.introspection.traffic import traffic_of


def test_numbers_are_added_over_labels() -> None:
    families: list[dict[str, Any]] = [
        {
            "name": "pounce_http_requests",
            "samples": [
                ["pounce_http_requests_total", {"method": "GET", "status": "200", "protocol": "h2"}, 5],
                ["pounce_http_requests_total", {"method": "PUT", "status": "201", "protocol": "h2"}, 2],
                ["pounce_http_requests_total", {"method": "GET", "status": "503", "protocol": "http/1.1"}, 1],
            ],
        },
        {
            "name": "pounce_http_request_duration_seconds",
            "samples": [
                [
                    "pounce_http_request_duration_seconds",
                    {"method": "GET"},
                    {"sum": 1.0, "counts": {"0.1": 3, "inf": 1}},
                ],
                [
                    "pounce_http_request_duration_seconds",
                    {"method": "PUT"},
                    {"sum": 1.0, "counts": {"0.005": 2, "0.1": 1}},
                ],
            ],
        },
        {"name": "aborted", "samples": [["pounce_http_requests_aborted_total", {}, 3]]},
        {"name": "errors", "samples": [["pounce_application_errors_total", {}, 4]]},
        {"name": "bytes", "samples": [["pounce_http_response_body_bytes_total", {"protocol": "h2"}, 1000]]},
        {"name": "the_applications_own", "samples": [["jobs_total", {}, 9, None]]},
    ]
    assert traffic_of(families) == {
        "responses": {"2xx": 7, "5xx": 1},
        "aborted": 3,
        "failed": 4,
        "bytes": 1000,
        "latency": [[0.005, 2], [0.1, 4], [None, 1]],
    }


def test_without_metrics_there_is_nothing() -> None:
    assert traffic_of([]) == {"responses": {}, "aborted": 0, "failed": 0, "bytes": 0, "latency": []}
