"""The format json, read as a tool for logs reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from access_records import completed

from pounce_observability.access_log.json_lines import JsonLines

PLAIN = {
    "time": "2026-11-21T13:09:33.900Z",
    "http.request.method": "GET",
    "url.path": "/items",
    "url.query": "q=1",
    "network.protocol.name": "http",
    "network.protocol.version": "1.1",
    "http.response.status_code": 200,
    "http.response.body.size": 1234,
    "http.server.request.duration": 0.000812,
    "worker": 3,
    "connection": 7,
    "client.address": "127.0.0.1",
    "client.port": 5000,
}


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({}, {}),
        ({"client": None}, {"client.address": None, "client.port": None}),
        ({"query_string": b""}, {"url.query": None}),
        ({"http_version": "3", "status": 503}, {"network.protocol.version": "3", "http.response.status_code": 503}),
        ({"aborted": True, "request_id": "id-1"}, {"aborted": True, "request_id": "id-1"}),
        ({"duration": 3.5}, {"http.server.request.duration": 3.5}),
        ({"wall": 1_795_266_574.0009}, {"time": "2026-11-21T13:09:34.000Z"}),
        ({"request_headers": ((b"user-agent", b'"x"'),)}, {"user_agent.original": '"x"'}),
        ({"request_headers": ((b"referer", b"https://a/?b"),)}, {"http.request.header.referer": ["https://a/?b"]}),
        ({"raw_path": "/größe".encode()}, {"url.path": "/größe"}),
        ({"raw_path": b"/%C3%B6\xff\n\x7f"}, {"url.path": "/%C3%B6\\xff\n\x7f"}),
    ],
)
def test_fields(changes: dict[str, Any], differences: dict[str, Any]) -> None:
    expected = {name: value for name, value in (PLAIN | differences).items() if value is not None}
    lines = JsonLines()
    for _ in range(2):  # made, then remembered
        line = lines.line(completed(**changes))
        assert json.loads(line) == expected
        assert line.isascii()
        assert "\n" not in line
        assert "\x7f" not in line
