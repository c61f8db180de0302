"""Which applications a folder looks to have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pounce.app_search import FoundApplication, find_applications, plain_application

if TYPE_CHECKING:
    from pathlib import Path

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
ASGI = "async def app(scope, receive, send):\n    pass\n"
FACTORY = "def create_app():\n    pass\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "targets"),
    [
        ({}, []),
        ({"main.py": FASTAPI}, ["main:app"]),
        ({"main.py": ASGI}, ["main:app"]),
        ({"web.py": "import flask\nsite: object = flask.Flask(__name__)\n"}, ["web:site"]),
        ({"wsgi.py": "def application(environ, start_response): ...\n"}, ["wsgi:application"]),
        ({"main.py": FACTORY}, ["main:create_app()"]),
        ({"main.py": "def create_app(settings=None, *, debug=False): ...\n"}, ["main:create_app()"]),
        ({"main.py": "def create_app(settings): ...\n"}, []),
        ({"main.py": "def create_app(*, settings): ...\n"}, []),
        ({"main.py": FACTORY + "app = create_app()\n"}, ["main:app"]),
        ({"main.py": FACTORY, "other.py": ASGI}, ["other:app"]),
        ({"shop/__init__.py": "", "shop/main.py": FASTAPI}, ["shop.main:app"]),
        ({"shop/__init__.py": FASTAPI}, ["shop:app"]),
        ({"shop/main.py": FASTAPI}, []),
        ({"src/shop/__init__.py": "", "src/shop/app.py": FASTAPI}, ["shop.app:app in src"]),
        ({"src/shop/__init__.py": "", "src/shop/web.py": FASTAPI}, ["shop.web:app in src"]),
        ({"zoo.py": FASTAPI, "main.py": ASGI}, ["main:app", "zoo:app"]),
        (
            {"main.py": "from starlette.applications import Starlette\nx = Starlette()\napp = Starlette()\n"},
            ["main:app", "main:x"],
        ),
        ({"test_main.py": FASTAPI, "conftest.py": FASTAPI, "tests/__init__.py": FASTAPI}, []),
        ({"main.py": "if True:\n    app = 1\nnot python"}, []),
        ({"main.py": "app = None\nother = print()\n"}, []),
        ({"main.py": "\0"}, []),
        ({"main.py": "(" * 5000 + ")" * 5000, "other.py": FASTAPI}, ["other:app"]),
        ({"main.py": "app = " + "-" * 20000 + "1", "other.py": FASTAPI}, ["other:app"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_table(files: dict[str, str], targets: list[str], tmp_path: Path) -> None:
    write(tmp_path, files)
    assert [words(one) for one in find_applications(tmp_path)] == targets


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "app.py")
    write(tmp_path, {"main.py": FASTAPI})
    assert [one.target for one in find_applications(tmp_path)] == ["main:app"]


def test_nothing_is_imported(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": "raise SystemExit\n" + ASGI})
    assert [one.target for one in find_applications(tmp_path)] == ["main:app"]


@pytest.mark.parametrize(
    ("targets", "chosen"),
    [
        ([], None),
        (["main:app"], "main:app"),
        (["main:app", "other:app"], None),
        (["mysite.asgi:application", "mysite.wsgi:application"], "mysite.asgi:application"),
        (["wsgi:application", "asgi:application"], "asgi:application"),
    ],
)
def test_the_one_that_is_meant(targets: list[str], chosen: str | None) -> None:
    found = plain_application([FoundApplication(target=target) for target in targets])
    assert (found.target if found else None) == chosen


def words(one: FoundApplication) -> str:
    return one.target + ("()" if one.factory else "") + (f" in {one.app_dir}" if one.app_dir else "")
