"""Applications of real frameworks, imported again. Each in a process of its own: frameworks keep state."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PRELUDE = """
    import gc, os, sys, warnings
    warnings.simplefilter("error")
    from pathlib import Path
    from pounce import AppImportError
    from pounce.fresh_import import FreshImport
    here = Path.cwd()
    def write(**files):
        for name, text in files.items():
            path = here.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    fresh = FreshImport("main:app", app_dir=str(here))
"""


def run(folder: Path, program: str) -> None:
    """Run a program that tests with ``assert``."""
    script = folder.parent / f"{folder.name}-program.py"
    script.write_text(textwrap.dedent(PRELUDE) + textwrap.dedent(program))
    done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [one for one in modules if importlib.util.find_spec(one) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


FASTAPI = """
from fastapi import FastAPI
from pydantic import BaseModel
class Item(BaseModel):
    name: str = "VERSION"
app = FastAPI()
@app.post("/items")
async def create(item: Item) -> Item:
    return item
@app.get("/")
def index() -> Item:
    return Item()
"""


@needs("fastapi")
def test_fastapi_and_its_memory(tmp_path: Path) -> None:
    run(
        tmp_path,
        f"""
        import weakref
        code = {FASTAPI!r}
        write(main=code)
        current, gone = fresh.load(), []
        for version in range(1, 11):
            write(main=code.replace("VERSION", str(version)))
            newer = fresh.load()
            item = newer.app.openapi()["components"]["schemas"]["Item"]
            assert item["properties"]["name"]["default"] == str(version)
            assert current.app.openapi() != newer.app.openapi()
            gone.append(weakref.ref(current.modules["main"].Item))
            current.release()
            current = newer
            objects = len(gc.get_objects())
            if version == 2:
                first = objects
        alive = [number for number, one in enumerate(gone) if one() is not None]
        assert not alive, alive
        assert objects < first * 1.05
        """,
    )


@needs("prometheus_client")
def test_metrics_in_the_default_registry(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        write(main="\\n".join([
            "from prometheus_client import Counter, Histogram, REGISTRY",
            "jobs = Counter('jobs', 'Jobs.')",
            "seconds = Histogram('seconds', 'Time.')",
            "def app():",
            "    jobs.inc()",
            "    return REGISTRY.get_sample_value('jobs_total')",
        ]))
        first = fresh.load()
        good = (here / "main.py").read_text()
        assert (first.app(), first.app()) == (1, 2)
        write(main=good + "\\nextra = Counter('extra', 'More.')\\nraise ValueError")
        try:
            fresh.load()
        except AppImportError as error:
            assert "ValueError" in str(error)
        assert first.app() == 3
        from prometheus_client import REGISTRY
        assert REGISTRY.get_sample_value("extra_total") is None
        write(main=good)
        second = fresh.load()
        assert second.app() == 1
        assert second.app() == 2
        write(main=good + "\\nagain = Counter('jobs', 'Twice.')")
        try:
            fresh.load()
        except AppImportError as error:
            assert "Duplicated" in str(error) and "CollectorRegistry() of its own" in str(error), error
        else:
            raise AssertionError("a name that is used twice is an error")
        assert second.app() == 3
        """,
    )


@needs("flask")
def test_flask(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        code = (
            "from flask import Flask, Blueprint\\nfrom views import part\\n"
            "app = Flask(__name__)\\napp.register_blueprint(part)\\n"
        )
        view = (
            "from flask import Blueprint\\npart = Blueprint('part', __name__)\\n"
            "@part.get('/')\\ndef index():\\n    from models import version\\n    return version\\n"
        )
        write(main=code, views=view, models="version = 'one'")
        first = fresh.load()
        write(models="version = 'two'")
        second = fresh.load()
        # The old application imports models for the first time now; it has a copy of its own.
        assert first.app.test_client().get("/").text == "two"
        assert second.app.test_client().get("/").text == "two"
        write(models="version = 'three'")
        third = fresh.load()
        assert [one.app.test_client().get("/").text for one in (second, third)] == ["two", "three"]
        """,
    )


@needs("django")
def test_django_is_refused_in_words_that_name_the_cure(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        write(
            shop__models=(
                "from django.db import models\\n"
                "class Item(models.Model):\\n    name = models.CharField(max_length=9)"
            ),
            shop__apps=(
                "from django.apps import AppConfig\\nclass Shop(AppConfig):\\n    name='shop'\\n"
                "    default_auto_field='django.db.models.AutoField'"
            ),
            main=(
                "import os\\nos.environ['DJANGO_SETTINGS_MODULE']='web.settings'\\n"
                "from django.core.wsgi import get_wsgi_application\\napp=get_wsgi_application()"
            ),
            web__settings="SECRET_KEY='x'\\nINSTALLED_APPS=['shop']\\nROOT_URLCONF='web.urls'",
            web__urls="urlpatterns=[]",
        )
        first = fresh.load()
        model = sys.modules["shop.models"].Item
        try:
            fresh.load()
        except AppImportError as error:
            assert "Django keeps" in str(error) and "--worker-kind process" in str(error)
        else:
            raise AssertionError("it was imported again")
        assert sys.modules["shop.models"].Item is model
        assert first.app is sys.modules["main"].app
        """,
    )


@needs("sqlmodel")
def test_tables_in_the_metadata_of_a_library_are_explained(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        warnings.simplefilter("ignore")
        write(main=(
            "from sqlmodel import SQLModel, Field\\n"
            "class Hero(SQLModel, table=True):\\n    id: int = Field(primary_key=True)\\ndef app(): return Hero"
        ))
        first = fresh.load()
        hero = first.app()
        try:
            fresh.load()
        except AppImportError as error:
            assert "SQLModel.metadata" in str(error) and "--worker-kind process" in str(error), error
        else:
            raise AssertionError("it was imported again")
        assert sys.modules["main"].Hero is hero
        """,
    )


def test_an_application_that_imports_itself_as_a_program(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("version = 1\ndef app(): return version\n")
    run(
        tmp_path,
        """
        first = fresh.load()
        write(main="version = 2\\ndef app(): return version\\n")
        program = sys.modules["__main__"]
        second = fresh.load()
        assert (first.app(), second.app()) == (1, 2)
        assert sys.modules["__main__"] is program
        """,
    )


def test_a_plain_application_without_a_framework(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        write(main=(
            "class App:\\n    version = 1\\n    def handle(self, request): return self.version\\n"
            "    __call__ = handle\\napp = App()"
        ))
        first = fresh.load()
        write(main=(here / "main.py").read_text().replace("= 1", "= 2"))
        second = fresh.load()
        assert (first.app.handle(None), second.app.handle(None)) == (1, 2)
        """,
    )
