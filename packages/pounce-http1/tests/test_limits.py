"""The settings: declared once, checked by themselves."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pounce_http1 import Limits, errors
from pounce_http1.errors import LimitExceeded

FIELDS = dataclasses.fields(Limits)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_values_below_the_minimum_and_other_types_are_refused(field: Any) -> None:
    minimum = field.metadata["minimum"]
    assert getattr(Limits(**{field.name: minimum}), field.name) == minimum
    wrongs: tuple[Any, ...] = (minimum - 1, -1, "8192", 1.5, None, True)
    for wrong in wrongs:
        with pytest.raises(ValueError, match=field.name):
            Limits(**{field.name: wrong})


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_each_says_what_it_is(field: Any) -> None:
    assert field.metadata["help"].endswith(".")
    assert field.metadata["unit"] in {"bytes", "fields"}


def test_defaults() -> None:
    assert dataclasses.asdict(Limits()) == {
        "limit_request_line": 8192,
        "limit_request_field_size": 16_384,
        "limit_request_header_size": 65_536,
        "limit_request_fields": 100,
        "limit_chunk_extension": 4096,
        "limit_trailer_size": 16_384,
    }


def test_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().limit_request_line = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        Limits(8192)  # type: ignore[call-arg]


def test_every_limit_has_its_error() -> None:
    classes = [getattr(errors, name) for name in errors.__all__ if name != "quote"]
    named = {cls.setting for cls in classes if issubclass(cls, LimitExceeded) and cls is not LimitExceeded}
    assert named == {field.name for field in FIELDS}
