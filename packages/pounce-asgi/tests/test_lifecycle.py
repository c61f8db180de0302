"""The shape of lifecycle records, on which those who read them rely."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from pounce_asgi import RECORD_TYPES, ConnectionRefused

OF_REQUESTS = ("RequestStarted", "ResponseStarted", "ResponseCompleted", "ClientDisconnected", "RequestFailed")


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_every_record_begins_with_time_and_place(record: Any) -> None:
    fields = record._fields
    place = ("worker_id",) if record is ConnectionRefused else ("worker_id", "connection_id")
    assert fields[: 2 + len(place)] == ("monotonic", "wall", *place)
    assert get_type_hints(record)  # they resolve at run time


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_every_record_knows_its_protocol(record: Any) -> None:
    assert get_type_hints(record)["protocol"] is str


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_every_record_about_a_stream_knows_which(record: Any) -> None:
    about_a_connection = record.__name__.startswith("Connection")
    assert ("stream_id" in record._fields) is not about_a_connection


def test_what_came_later_has_a_default_and_is_last() -> None:
    for record in RECORD_TYPES:
        if record.__name__ in OF_REQUESTS:
            assert record._fields[-2:] == ("stream_id", "protocol")  # type: ignore[attr-defined]
            assert record._field_defaults == {"stream_id": 0, "protocol": ""}  # type: ignore[attr-defined]
