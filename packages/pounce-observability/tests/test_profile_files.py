"""Folded stacks and speedscope files, read back as their tools read them."""

from __future__ import annotations

import json

import pytest
from profile_example import EVIL, PROFILE

from pounce_observability.profiling.merged_profile import MergedProfile
from pounce_observability.profiling.profile_files import as_folded, as_speedscope, short_file


def test_folded_stacks_are_lines_of_frames_and_a_count() -> None:
    lines = as_folded(PROFILE).splitlines()
    assert len(lines) == 4
    assert {
        "worker 0;main (app/main.py:3) 10",
        "worker 0;main (app/main.py:3);query (app/db.py:9) 60",
        "worker 1;main (app/main.py:3) 100",
    } < set(lines)
    for line in lines:
        stack, _, count = line.rpartition(" ")
        assert line.isprintable()
        assert len(stack.split(";")) in (2, 3)  # no name can add a frame
        assert count.isdigit()
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == 200


def test_what_was_folded_can_be_read_back() -> None:
    again = MergedProfile.of_folded(as_folded(PROFILE), interval=0.01, seconds=1.0)
    assert as_folded(again) == as_folded(PROFILE)


def test_a_speedscope_file_has_what_its_schema_wants() -> None:
    document = json.loads(as_speedscope(PROFILE, name="a server"))
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert isinstance(document["exporter"], str)
    frames = document["shared"]["frames"]
    assert all(isinstance(frame["name"], str) for frame in frames)
    assert {key for frame in frames for key in frame} <= {"name", "file", "line", "col"}
    assert EVIL in [frame["name"] for frame in frames]  # JSON carries any name
    assert {profile["name"] for profile in document["profiles"]} == {"worker 0", "worker 1"}
    assert 0 <= document["activeProfileIndex"] < len(document["profiles"])
    for profile in document["profiles"]:
        assert profile["type"] == "sampled"
        assert profile["unit"] == "seconds"
        assert len(profile["samples"]) == len(profile["weights"])
        assert profile["startValue"] == 0
        assert profile["endValue"] == pytest.approx(sum(profile["weights"])) == pytest.approx(1.0)
        assert all(0 <= place < len(frames) for sample in profile["samples"] for place in sample)


@pytest.mark.parametrize(
    ("file", "short"),
    [
        ("/venv/lib/python3.14/site-packages/starlette/routing.py", "starlette/routing.py"),
        ("/work/packages/pounce-asgi/src/pounce_asgi/scope.py", "pounce_asgi/scope.py"),
        ("/usr/lib/python3.14/asyncio/base_events.py", "asyncio/base_events.py"),
        ("C:\\app\\views\\items.py", "views/items.py"),
        ("app.py", "app.py"),
        ("<string>", "<string>"),
    ],
)
def test_a_file_is_told_by_the_end_of_its_path(file: str, short: str) -> None:
    assert short_file(file) == short
