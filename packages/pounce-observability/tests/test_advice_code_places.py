"""Whose code is on a stack, and what is shown of it."""

from __future__ import annotations

import json.decoder

import pytest
from advice_doubles import FakeFrame

import pounce_asgi.lifecycle
from pounce_observability.advice.code_places import CodePlaces, Origin, Place

SERVER = FakeFrame(pounce_asgi.lifecycle.__file__, 3, "serve")
LIBRARY = FakeFrame(json.decoder.__file__, 4, "decode")
FRAMEWORK = FakeFrame("/venv/lib/python3.14/site-packages/starlette/routing.py", 5, "app")
VIEW = FakeFrame("/srv/shop/views.py", 6, "show")
MODELS = FakeFrame("/srv/shop/models.py", 7, "load")
DRIVER = FakeFrame("/venv/lib/python3.14/site-packages/psycopg/cursor.py", 8, "execute")
IMPORTING = FakeFrame("<frozen importlib._bootstrap>", 9, "_find_and_load")


@pytest.mark.parametrize(
    ("frame", "origin"),
    [
        (SERVER, Origin.SERVER),
        (LIBRARY, Origin.LIBRARY),
        (IMPORTING, Origin.LIBRARY),
        (FRAMEWORK, Origin.INSTALLED),
        (FakeFrame("C:\\venv\\Lib\\site-packages\\x.py", 1, "f"), Origin.INSTALLED),
        (VIEW, Origin.APPLICATION),
        (FakeFrame("<string>", 1, "f"), Origin.APPLICATION),
    ],
)
def test_whose_a_file_is(frame: FakeFrame, origin: Origin) -> None:
    assert CodePlaces().origin(frame.file) is origin


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        ([SERVER, FRAMEWORK, VIEW, MODELS, DRIVER, LIBRARY], MODELS),
        ([SERVER, FRAMEWORK, DRIVER, LIBRARY], DRIVER),
        ([SERVER, FRAMEWORK, VIEW, IMPORTING, MODELS], VIEW),
        ([SERVER, LIBRARY], None),
        ([], None),
    ],
)
def test_the_line_that_is_named(stack: list[FakeFrame], place: FakeFrame | None) -> None:
    assert CodePlaces().place(stack) == (place and Place(*place))
    assert CodePlaces().imports(stack) is (IMPORTING in stack)


def test_a_place_reads_like_one() -> None:
    assert str(Place(*MODELS)) == "load (/srv/shop/models.py:7)"


def test_a_stack_is_shown_from_where_the_server_has_called(tmp_path_factory: pytest.TempPathFactory) -> None:
    source = tmp_path_factory.mktemp("shop") / "views.py"
    source.write_text("def show():\n    load()\n")
    shown = CodePlaces().shown([SERVER, LIBRARY, FakeFrame(str(source), 2, "show"), IMPORTING, MODELS])
    assert shown.splitlines() == [
        f'  File "{source}", line 2, in show',
        "    load()",
        '  File "/srv/shop/models.py", line 7, in load',
    ]


def test_of_a_deep_stack_the_innermost_part_is_shown() -> None:
    deep = [FakeFrame("/srv/deep.py", number, f"f{number}") for number in range(100)]
    lines = CodePlaces().shown(deep).splitlines()
    assert len(lines) == 30
    assert lines[-1].endswith("in f99")
