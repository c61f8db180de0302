"""The page about events names every record and every field, in order, with its type; and what it shows runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

import pounce.events
from pounce_asgi import RECORD_TYPES, SUBSCRIPTIONS

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs/events.md").read_text(encoding="utf-8")
SECTIONS: Final = {part.split("\n", 1)[0]: part for part in PAGE.split("\n### ")[1:]}
ROW: Final = re.compile(r"^\| `(\w+)` \| `(.+?)` \| (\S.*) \|$", re.MULTILINE)


def test_every_record_has_its_section_and_is_public() -> None:
    assert set(SECTIONS) == {record.__name__ for record in RECORD_TYPES}
    assert {getattr(pounce.events, name) for name in SECTIONS} == set(RECORD_TYPES)
    assert set(SECTIONS) <= set(pounce.events.__all__)


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_every_field_is_there_with_its_type(record: Any) -> None:
    rows = ROW.findall(SECTIONS[record.__name__])
    assert [name for name, _, _ in rows] == list(record._fields)
    types = {name: kind.replace("\\|", "|") for name, kind, _ in rows}
    assert types == {name: _written(record.__annotations__[name]) for name in record._fields}


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_every_time_has_its_unit(record: Any) -> None:
    for name, kind, what in ROW.findall(SECTIONS[record.__name__]):
        if kind == "float":
            assert re.search(r"[Ss]econds|monotonic", what), name


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_what_it_shows_runs(code: str) -> None:
    names: dict[str, Any] = {"__name__": "shown"}
    before = SUBSCRIPTIONS._members
    try:
        exec(compile(code, "docs/events.md", "exec"), names)
        assert len(SUBSCRIPTIONS._members) == len(before) + 1
    finally:
        SUBSCRIPTIONS.end(lambda one: one not in before)


def _written(annotation: Any) -> str:
    """As it stands in the source: a NamedTuple keeps it as a forward reference."""
    return str(getattr(annotation, "__forward_arg__", annotation))
