"""What ``pounce check`` says of the application: its import, the GIL, its lifespan."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

from pounce import ServerConfig
from pounce.checks.application import check_import, check_lifespan, check_workers
from pounce.checks.report import Report
from pounce_workers import GilCulprit, GilWatch, Interpreter

if TYPE_CHECKING:
    from code_folder import CodeFolder

    from pounce.checks.report import Finding

GIL: Final = Interpreter(free_threaded=False, gil_on=True, gil_forced=None)
NO_GIL: Final = Interpreter(free_threaded=True, gil_on=False, gil_forced=None)
CODE: Final = {
    "good.py": """
        import threading
        from typing import Any
        said = []
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                for kind in ("startup", "shutdown"):
                    assert (await receive())["type"] == f"lifespan.{kind}"
                    said.append((kind, threading.current_thread() is threading.main_thread()))
                    await send({"type": f"lifespan.{kind}.complete"})
    """,
    "bare.py": """
        async def app(scope, receive, send):
            assert scope["type"] == "http"
    """,
    "fails.py": """
        async def startup(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})
        async def raises(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            raise OSError("the disk is full")
    """,
    "state.py": """
        class State:
            pass
        class App:
            state = State()
            async def __call__(self, scope, receive, send):
                await receive()
                self.state.pool = object()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
        app = App()
        def make():
            one = App()
            one.state = State()
            return one
    """,
    "blocks.py": "def app(environ, start_response): ...",
    "broken.py": "import nothing_of_that_name",
    "raising.py": "raise RuntimeError('no key is set')",
    "odd.py": "x = 1\nclass Middleware:\n    def __init__(self, app):\n        raise KeyError('option')\n",
}


@pytest.fixture(autouse=True)
def folder(code: CodeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    code.write(CODE)
    monkeypatch.chdir(code.path)
    # As in a process where no extension module has had its say; the rest is decided by the arguments.
    monkeypatch.setattr(Interpreter, "now", staticmethod(lambda: GIL))


def findings(app: str, watch: Any = None, **settings: Any) -> list[Finding]:
    report = Report()
    config = ServerConfig.of({"app": app, **settings})
    with watch or GilWatch() as seen:
        imported = check_import(config, report)
    if imported is not None:
        try:
            decision = check_workers(config, seen, report)
            check_lifespan(config, imported, decision, seen, report)
        finally:
            imported.importer.close()
    return report.findings


def found(app: str, **settings: Any) -> list[tuple[str, str, str]]:
    return [(one.level, one.check, one.what) for one in findings(app, **settings)]


def test_startup_and_shutdown_are_run_in_the_main_thread() -> None:
    assert found("good:app") == [
        ("ok", "import", "good:app is an application (asgi3)"),
        ("ok", "workers", "1 thread: the only worker; this Python has a GIL"),
        ("ok", "lifespan", "startup and shutdown were run"),
    ]
    is_main = threading.current_thread() is threading.main_thread()
    assert sys.modules["good"].said == [("startup", is_main), ("shutdown", is_main)]


@pytest.mark.parametrize("settings", [{"lifespan_scope": "server"}, {"worker_mode": "sync"}])
def test_a_lifespan_for_all_workers_is_run_too(settings: dict[str, Any]) -> None:
    assert found("good:app", **settings)[-1] == ("ok", "lifespan", "startup and shutdown were run")
    assert [kind for kind, _ in sys.modules["good"].said] == ["startup", "shutdown"]


@pytest.mark.parametrize(
    ("app", "settings", "last"),
    [
        ("bare:app", {}, ("note", "lifespan", "No lifespan in the application")),
        ("bare:app", {"lifespan": "on"}, ("error", "lifespan", "application startup failed: AssertionError: ")),
        ("good:app", {"lifespan": "off"}, ("note", "lifespan", "it is switched off, so it was not run")),
        ("blocks:app", {}, ("note", "lifespan", "applications that block have none")),
        ("fails:startup", {}, ("error", "lifespan", "application startup failed")),
        ("fails:startup", {"lifespan_scope": "server"}, ("error", "lifespan", "application startup failed")),
        ("fails:raises", {}, ("error", "lifespan", "application shutdown failed: OSError: the disk is full")),
        (
            "fails:raises",
            {"lifespan_scope": "server"},
            ("error", "lifespan", "application shutdown failed: OSError: the disk is full"),
        ),
        (
            "good:app",
            {"middleware": ["odd:Middleware"]},
            ("error", "middleware", "middleware: odd:Middleware could not be made: 'option'"),
        ),
    ],
)
def test_how_the_lifespan_goes(app: str, settings: dict[str, Any], last: tuple[str, str, str]) -> None:
    several = found(app, **settings)
    assert several[-1] == last
    assert len(several) == 3


@pytest.mark.parametrize(
    ("app", "settings", "what", "do"),
    [
        ("god:app", {}, "there is no module 'god' in ", "did you mean 'good'?"),
        ("good:ap", {}, "good has no attribute 'ap'", "did you mean 'app'?"),
        ("odd:x", {}, "odd:x is not callable: it is of type 'int'", None),
        (
            "broken:app",
            {},
            "importing broken raised ModuleNotFoundError",
            "install what has the module 'nothing_of_tha",
        ),
        ("raising:app", {}, "importing raising raised RuntimeError: no key is set", "mend what it raised"),
        ("good:app", {"factory": True}, "good:app cannot be called as a factory", None),
        ("good:app", {"middleware": ["odd:Nothing"]}, "middleware: odd has no attribute 'Nothing'", None),
    ],
)
def test_what_cannot_be_imported(app: str, settings: dict[str, Any], what: str, do: str | None) -> None:
    (finding,) = findings(app, **settings)
    assert (finding.level, finding.check) == ("error", "import")
    assert finding.what.startswith(what)
    assert finding.do == do if do is None else (finding.do or "").startswith(do)


def test_what_it_raised_is_shown_without_our_frames() -> None:
    (finding,) = findings("raising:app")
    assert finding.traceback is not None
    assert finding.traceback.endswith("RuntimeError: no key is set")
    assert "importer.py" not in finding.traceback


def test_threads_that_share_the_application_run_two_lifespans() -> None:
    settings: dict[str, Any] = {"workers": 4, "worker_kind": "thread"}
    several = [one for one in findings("state:app", **settings) if one.check == "lifespan"]
    assert [one.level for one in several] == ["warning", "ok"]
    assert "app.state.pool" in several[0].what
    assert several[0].do is not None
    assert "--factory" in several[0].do
    alone = [one for one in findings("state:make", factory=True, **settings) if one.check == "lifespan"]
    assert [one.level for one in alone] == ["ok"]


def test_worker_processes_are_tried_by_one() -> None:
    several = found("good:app", workers=4)
    assert several[1:] == [
        ("ok", "workers", "4 processes: this Python has a GIL"),
        ("ok", "lifespan", "startup and shutdown were run"),
    ]
    assert len(sys.modules["good"].said) == 2


class Watch:
    """A `GilWatch` that saw one module at the import, or afterwards."""

    def __init__(self, *, late: bool) -> None:
        one = GilCulprit(modules=("_brotli",), certain=True, chain=("good", "brotli"))
        self.culprits = () if late else (one,)
        self._later = [None, one] if late else [None, None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def look_again(self) -> GilCulprit | None:
        return self._later.pop(0)


@pytest.mark.parametrize("late", [False, True])
def test_who_switches_the_gil_on(late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    now = NO_GIL if late else Interpreter(free_threaded=True, gil_on=True, gil_forced=None)
    monkeypatch.setattr(Interpreter, "now", staticmethod(lambda: now))
    (finding,) = (one for one in findings("good:app", Watch(late=late), workers=2) if one.check == "GIL")
    assert finding.level == "warning"
    assert finding.what == (
        "The GIL is on: '_brotli' is not ready for free threading and switched it on (imported by good -> brotli)"
    )
    instead = ", --worker-kind process (2 worker threads share the GIL now)" if late else ""
    assert finding.do == f"install brotlicffi instead of brotli{instead}, or PYTHON_GIL=0 at your own risk"


def test_a_gil_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = Interpreter(free_threaded=True, gil_on=True, gil_forced=True)
    monkeypatch.setattr(Interpreter, "now", staticmethod(lambda: now))
    (finding,) = (one for one in findings("good:app") if one.check == "GIL")
    assert (finding.what, finding.do) == (
        "the GIL is on, although this Python can do without",
        "unset PYTHON_GIL, leave -X gil=1 out",
    )


def test_nobody_outside_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"sentry_dsn": "https://key@127.0.0.1:9/1", "otel": True, "metrics": True, "introspection": True}
    assert found("good:app", **settings)[-1] == ("ok", "lifespan", "startup and shutdown were run")
    sdk = sys.modules.get("sentry_sdk")
    assert sdk is None or not sdk.is_initialized()
