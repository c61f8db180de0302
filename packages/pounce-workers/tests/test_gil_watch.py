"""Extension modules that switch the GIL on are named. Each program here has a process of its own: a GIL stays on."""

from __future__ import annotations

import sys
import types
import warnings
from typing import TYPE_CHECKING

import pytest
from extension_modules import build, run_python

from pounce_workers.supervision import gil_watch
from pounce_workers.supervision.gil_watch import GilCulprit, GilWatch
from pounce_workers.supervision.runtime import gil_is_on, is_free_threaded

if TYPE_CHECKING:
    from pathlib import Path

free_threaded = pytest.mark.skipif(not is_free_threaded(), reason="this interpreter always has its GIL")

WATCH = """
import sys, warnings
from pounce_workers.supervision.gil_watch import GilWatch
from pounce_workers.supervision.runtime import Interpreter, detect_kind
filters, show = list(warnings.filters), warnings.showwarning
with GilWatch() as watch:
    import {module}
assert [one[0] for one in warnings.filters if one not in filters] == {left!r}
assert warnings.showwarning is show
for one in watch.culprits:
    print(one.modules, one.certain, one.chain)
print(detect_kind(Interpreter.now(), workers=4, culprits=watch.culprits).summary)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two extension modules, and modules in Python that import them."""
    folder = tmp_path_factory.mktemp("extensions")
    build(folder, "ready", ready=True)
    build(folder, "unready", ready=False)
    (folder / "inner.py").write_text("def load():\n    import unready\nload()\n")
    (folder / "outer.py").write_text("import ready, inner\n")
    (folder / "quiet.py").write_text("import warnings\nwarnings.simplefilter('ignore')\nimport ready, unready\n")
    (folder / "loud.py").write_text("import warnings\nwarnings.warn('as it is')\n")
    return folder


@free_threaded
@pytest.mark.parametrize("options", [(), ("-W", "error"), ("-W", "ignore"), ("-X", "dev")], ids=" ".join)
def test_the_module_and_who_imported_it(folder: Path, options: tuple[str, ...]) -> None:
    assert run_python(folder, WATCH.format(module="outer", left=[]), *options).splitlines() == [
        "('unready',) True ('outer', 'inner')",
        "4 processes: 'unready' switched the GIL on",
    ]


@free_threaded
def test_a_module_that_is_ready_leaves_threads(folder: Path) -> None:
    assert run_python(folder, WATCH.format(module="ready", left=[])) == "4 threads: the GIL is off"


@free_threaded
def test_filters_of_the_application_stay_and_make_suspects_of_what_is_new(folder: Path) -> None:
    left = ["ignore"]
    assert run_python(folder, WATCH.format(module="quiet", left=left)).splitlines() == [
        "('ready', 'unready') False ()",
        "4 processes: one of 'ready', 'unready' switched the GIL on",
    ]


@free_threaded
@pytest.mark.parametrize(
    ("value", "summary"),
    [
        ("1", "4 processes: PYTHON_GIL=1 or -X gil=1 keeps the GIL on"),
        ("0", "4 threads: PYTHON_GIL=0 or -X gil=0 keeps the GIL off"),
    ],
)
def test_a_gil_that_is_forced(folder: Path, value: str, summary: str) -> None:
    program = WATCH.format(module="unready", left=[])
    assert run_python(folder, program, PYTHON_GIL=value) == summary
    assert run_python(folder, program, "-X", f"gil={value}") == summary


@free_threaded
def test_other_warnings_are_shown_as_ever(folder: Path) -> None:
    program = """
import warnings
from pounce_workers.supervision.gil_watch import GilWatch
shown = []
warnings.showwarning = lambda message, *rest: shown.append(str(message))
with GilWatch() as watch:
    import loud, unready
print(shown, [one.name for one in watch.culprits])
"""
    assert run_python(folder, program) == """['as it is'] ["'unready'"]"""


@free_threaded
def test_one_that_takes_the_hook_over_keeps_it(folder: Path) -> None:
    """As logging.captureWarnings() does, which hands on to what it found there."""
    (folder / "captures.py").write_text("import logging\nlogging.captureWarnings(True)\n")
    program = """
import logging, warnings
from pounce_workers.supervision.gil_watch import GilWatch
with GilWatch() as watch:
    import captures, unready
print(warnings.showwarning is logging._showwarning, [one.name for one in watch.culprits])
"""
    assert run_python(folder, program, "-W", "ignore").startswith("True ")


@free_threaded
def test_a_lazy_import_is_noticed_once(folder: Path) -> None:
    program = """
from pounce_workers.supervision.gil_watch import GilWatch
with GilWatch() as watch:
    import ready
print(watch.look_again(), watch.culprits)
import unready
print(watch.look_again())
culprit = watch.look_again()
print(culprit.name, culprit.certain, watch.culprits == (culprit,))
print(watch.look_again())
"""
    assert run_python(folder, program, "-W", "ignore").splitlines() == [
        "None ()",
        "None",
        "'unready' False True",
        "None",
    ]


@free_threaded
def test_a_gil_that_is_on_for_a_moment_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    if gil_is_on():
        pytest.skip("something has switched the GIL on in this process")
    with GilWatch() as watch:
        pass
    seen = iter([True, False, True, False, True, True, True])
    monkeypatch.setattr(gil_watch, "gil_is_on", lambda: next(seen))
    told = [watch.look_again() is not None for _ in range(6)]
    assert told == [False, False, False, False, False, True]


@pytest.mark.skipif(is_free_threaded(), reason="for interpreters that always have their GIL")
def test_where_there_is_always_a_gil_nothing_is_watched() -> None:
    filters, show = list(warnings.filters), warnings.showwarning
    with GilWatch() as watch:
        assert list(warnings.filters) == filters
        assert warnings.showwarning is show
    assert watch.culprits == ()
    assert watch.look_again() is None


@pytest.mark.parametrize(
    ("module", "cure"),
    [
        ("_brotli", "install brotlicffi instead of brotli"),
        ("hiredis.hiredis", "uninstall hiredis; redis works without it"),
        ("zstandard.backend_c", "use compression.zstd of Python 3.14"),
        ("nobody_knows_it", "a release of nobody_knows_it that is ready for it, or doing without"),
    ],
)
def test_cures(module: str, cure: str) -> None:
    culprit = GilCulprit(modules=(module,), certain=True, chain=("main", "urllib3.response"))
    assert f"{module!r} is not ready for free threading" in culprit.warning
    assert "(imported by main -> urllib3.response)" in culprit.warning
    assert f"What helps: {cure}" in culprit.warning
    assert "PYTHON_GIL=0 at your own risk" in culprit.warning
    assert "\n" not in culprit.warning


@pytest.mark.parametrize(("threads", "advised"), [(1, False), (2, True), (8, True)])
def test_several_threads_that_serve_already_are_advised_to_be_processes(threads: int, advised: bool) -> None:
    told = GilCulprit(modules=("hiredis",), certain=False).warning_among(threads)
    assert ("--worker-kind process" in told) is advised
    assert (f"({threads} worker threads share the GIL now)" in told) is advised


@pytest.mark.parametrize(
    ("modules", "name"),
    [
        ((), "an extension module"),
        (("a",), "'a'"),
        (("a", "b"), "one of 'a', 'b'"),
        (tuple("abcdefg"), "one of 'a', 'b', 'c', 'd', 'e' and 2 more"),
    ],
)
def test_suspects(modules: tuple[str, ...], name: str) -> None:
    culprit = GilCulprit(modules=modules, certain=False)
    assert culprit.name == name
    assert "What helps: " in culprit.warning


def test_the_package_that_was_installed_is_named() -> None:
    culprit = GilCulprit(modules=("pytest._io",), certain=True)
    assert "a release of pytest that" in culprit.warning


def test_a_module_that_loads_when_it_is_touched_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(types.ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "lazy_one", Lazy("lazy_one"))
    monkeypatch.setitem(sys.modules, "no_module", 5)
    assert list(gil_watch._extensions({"lazy_one", "no_module", "gone_meanwhile", "math"})) == []
