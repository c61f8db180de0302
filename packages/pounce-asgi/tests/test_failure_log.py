"""What is logged of requests that did not go well."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from pounce_asgi.failure_log import log_failed

HEAD: Any = SimpleNamespace(method="GET", raw_path=b"/items\x1b[31m")


@pytest.mark.parametrize("request_id", ["0123", None])
def test_a_failure_knows_its_request(request_id: str | None, caplog: pytest.LogCaptureFixture) -> None:
    error = ValueError("no")
    with caplog.at_level(logging.ERROR):
        log_failed(HEAD, error, request_id)
    (record,) = caplog.records
    assert record.getMessage().startswith("Exception in the application: GET /items")
    assert "\x1b" not in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert getattr(record, "request_id", None) == request_id
