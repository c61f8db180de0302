"""The plugin for pytest, as projects see it that use it, and as those do that do not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

APPLICATION = """
import os

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{scope['root_path']} {os.getpid()}".encode()})
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """One with an application; the plugin is loaded by its module, installed or not."""
    pytester.makepyfile(application_of_plugin=APPLICATION)
    pytester.syspathinsert()
    pytester.plugins = []
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # all others take a second to load
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p pounce_testing.plugin -p no:cacheprovider")
    # Worker processes import the application as well.
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=":")
    return pytester


def test_serving(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import os
        import pytest
        from application_of_plugin import app

        @pytest.mark.pounce("application_of_plugin:app", root_path="/api")
        def test_server(pounce_server, pounce_client, pounce_memory):
            assert pounce_client.get("/").text == f"/api {os.getpid()}"
            assert pounce_memory.get("/").text == f"/api {os.getpid()}"
            with pounce_server.connect() as client:
                client.send(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
                assert client.read_response().status == 200

        @pytest.mark.pounce(kinds=["threads", "processes"], workers=1)
        def test_pid(pounce_client, request):
            own = pounce_client.get("/").text.split()[-1] == str(os.getpid())
            assert own == ("threads" in request.node.name)

        @pytest.mark.pounce(root_path="/class", timeout_keep_alive=3)
        class TestFixtureOfTheProject:
            @pytest.fixture
            def pounce_app(self):
                return app

            @pytest.mark.pounce(root_path="/test")
            def test_nearest_first(self, pounce_server, pounce_client):
                assert pounce_client.get("/").text.startswith("/test ")
                assert pounce_server.config.worker.timeout_keep_alive == 3

        @pytest.mark.xfail(raises=TypeError, strict=True, reason="processes import it by its name")
        @pytest.mark.pounce(app, kinds=["processes"])
        def test_an_object_in_processes(pounce_server):
            pass
        """
    )
    project.makeini("[pytest]\npounce_app = application_of_plugin:app")
    # In a process of its own: within one, pytester would have half of the server imported anew for each run.
    assert project.runpytest_subprocess("-q").parseoutcomes() == {"passed": 4, "xfailed": 1}


@pytest.mark.parametrize("how", ["mark", "option", "ini"])
def test_kinds_of_workers(project: pytest.Pytester, how: str) -> None:
    mark = '@pytest.mark.pounce(kinds=["threads", "processes"])' if how == "mark" else ""
    project.makepyfile(f"import pytest\n{mark}\ndef test_it(pounce_server): pass")
    project.makeini("[pytest]\npounce_kinds = " + ("threads processes" if how == "ini" else ""))
    arguments = ["--pounce-kinds=threads,processes"] if how == "option" else []
    result = project.runpytest_inprocess("--collect-only", "-q", *arguments)
    result.stdout.fnmatch_lines(["*test_it[[]threads]", "*test_it[[]processes]", "2 tests collected*"])


PARAMETRIZED = [
    '@pytest.mark.parametrize("pounce_kind", ["threads", "asyncio"])',
    '@pytest.mark.parametrize("pounce_kind", ["threads", "asyncio"], indirect=True)',
    '@pytest.mark.parametrize(argnames="other, pounce_kind", argvalues=[(1, "threads"), (1, "asyncio")])',
    '@pytest.mark.parametrize(["pounce_kind"], [["threads"], ["asyncio"]])',
]


@pytest.mark.parametrize("mark", PARAMETRIZED, ids=["direct", "indirect", "with others", "as a list"])
def test_a_test_may_parametrize_the_kinds_itself(project: pytest.Pytester, mark: str) -> None:
    other = ", other" if "other" in mark else ""
    project.makepyfile(
        f"""
        import pytest

        class NoServer:
            def __init__(self, app, **settings): self.settings = settings
            def __enter__(self): return self
            def __exit__(self, *error): pass

        @pytest.fixture(autouse=True)
        def no_server(monkeypatch):
            monkeypatch.setattr("pounce_testing.server.TestServer", NoServer)

        {mark}
        @pytest.mark.pounce("application_of_plugin:app")
        def test_it(pounce_server, pounce_kind, request{other}):
            name = getattr(pounce_kind, "name", pounce_kind)
            loops = {{"asyncio": "asyncio", "threads": None}}
            assert name in request.node.name
            assert pounce_server.settings.get("loop") == loops[name]
        """
    )
    result = project.runpytest_inprocess("-q")
    result.assert_outcomes(passed=2)


def test_all_kinds(project: pytest.Pytester) -> None:
    project.makepyfile("def test_kind(pounce_kind): pass")
    result = project.runpytest_inprocess("--collect-only", "-q", "--pounce-kinds", "all")
    result.stdout.fnmatch_lines(
        ["*test_kind[[]asyncio]", "*[[]uvloop]", "*[[]threads]", "*[[]processes]", "*[[]pool]", "5 tests collected*"]
    )


@pytest.mark.parametrize(
    ("test", "arguments", "expected"),
    [
        ("def test_it(pounce_server): pass", ["--pounce-kinds=fibres"], "*there is no kind of workers 'fibres'*"),
        ("def test_it(pounce_server): pass", [], "*what is to be served? Define a fixture pounce_app*"),
    ],
)
def test_what_is_missing_is_said(project: pytest.Pytester, test: str, arguments: list[str], expected: str) -> None:
    project.makepyfile(test)
    result = project.runpytest_inprocess(*arguments)
    result.stdout.fnmatch_lines([expected])
    assert result.ret != 0


def test_an_application_in_another_folder(project: pytest.Pytester) -> None:
    """The hint names what a test can say, and saying it helps."""
    project.mkpydir("elsewhere").joinpath("hidden_from_plugin.py").write_text(APPLICATION)
    project.makepyfile(
        """
        import pytest

        @pytest.mark.pounce("hidden_from_plugin:app")
        def test_without(pounce_server): pass

        @pytest.mark.pounce("hidden_from_plugin:app", app_dir="elsewhere")
        def test_with(pounce_server): pass
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*there is no module 'hidden_from_plugin' in *; if it is in another folder, *app_dir)"]
    )


def test_a_run_that_does_not_use_it_pays_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, pounce_testing.plugin\n"
        "heavy = [name for name in sys.modules if name.partition('.')[0] in ('pounce', 'pounce_asgi', 'httpx')]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    import pounce_testing

    for name in pounce_testing.__all__:
        assert getattr(pounce_testing, name) is not None
    assert set(pounce_testing.__all__) <= set(dir(pounce_testing))
    missing = "nothing"
    with pytest.raises(AttributeError, match=missing):
        getattr(pounce_testing, missing)
