"""Every form of import, in the code of a generation that is not the newest."""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pounce.earlier_imports import EarlierGenerations, ModuleTable
from pounce.own_code import OwnCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from code_folder import CodeFolder

FILES = {
    "lib/__init__.py": "",
    "lib/one.py": "value = 'one'",
    "lib/two.py": "from . import one\nvalue = one.value",
    "lib/deep/__init__.py": "__all__ = ['three']",
    "lib/deep/three.py": "from ..two import value",
    "lib/broken.py": "raise KeyError('broken')",
    "lib/half.py": "import lib.no_such_part",
    "lib/first.py": "from . import second\nvalue = second.value",
    "lib/second.py": "from . import first\nvalue = first.__name__",
    "flat.py": "value = 'flat'",
    "space/part.py": "value = 'part'",
    "main.py": "import lib",
}


@pytest.fixture
def main(code: CodeFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module of an earlier generation. Those that ``sys.modules`` has are another's."""
    code.write(FILES)
    monkeypatch.syspath_prepend(str(code.path))
    others = sys.modules.copy()
    main = importlib.import_module("main")
    own = OwnCode.below([code.path])
    table = ModuleTable(own, own.owned({name: sys.modules[name] for name in sys.modules.keys() - others}))
    earlier = EarlierGenerations()
    earlier.add(table)
    for name in table.modules:
        del sys.modules[name]
    yield main
    earlier.remove(table)
    assert builtins.__import__.__module__ == "builtins"
    assert not {"lib", "flat", "space"} & sys.modules.keys()


def run(main: ModuleType, statement: str) -> Any:
    exec(statement, vars(main))
    return vars(main).get("got")


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("from lib.one import value as got", "one"),
        ("import lib.two; got = lib.two.value", "one"),
        ("import lib.deep.three; got = lib.deep.three.value", "one"),
        ("import lib.deep.three as x; got = x.value", "one"),
        ("from lib import one; got = one.value", "one"),
        ("from lib.deep import *; got = three.value", "one"),
        ("from flat import value as got", "flat"),
        ("import flat; got = flat.value", "flat"),
        ("from space.part import value as got", "part"),
        ("from space import part; got = part.value", "part"),
        ("got = __import__('lib.one').one.value", "one"),
        ("got = __import__('lib.one', globals(), fromlist=['value']).value", "one"),
        ("import importlib; got = importlib.import_module('lib.two').value", "one"),
        ("import lib.first; got = lib.first.value", "lib.first"),
        ("import json; got = json.__name__", "json"),
        ("import os.path; got = os.path.__name__.removesuffix('ntpath').removesuffix('posixpath')", ""),
        ("from collections import abc; got = abc.__name__", "collections.abc"),
    ],
)
def test_statements(main: ModuleType, statement: str, value: str) -> None:
    assert run(main, statement) == value
    assert run(main, statement) == value


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("import lib.missing", ModuleNotFoundError, "No module named 'lib.missing'"),
        ("from lib import missing", ImportError, "cannot import name 'missing' from 'lib'"),
        ("from lib.one import missing", ImportError, "cannot import name 'missing' from 'lib.one'"),
        ("import lib.one.missing", ModuleNotFoundError, "'lib.one' is not a package"),
        ("import lib.broken", KeyError, "broken"),
        ("from lib import half", ModuleNotFoundError, "No module named 'lib.no_such_part'"),
        ("import no_such_module_anywhere", ModuleNotFoundError, "No module named 'no_such_module_anywhere'"),
        ("from . import one", ImportError, "attempted relative import with no known parent package"),
        ("import importlib; importlib.import_module('.one')", TypeError, "the 'package' argument is required"),
    ],
)
def test_mistakes_are_errors_as_ever(main: ModuleType, statement: str, error: type[Exception], message: str) -> None:
    for _ in range(2):
        with pytest.raises(error, match=message):
            run(main, statement)


def test_the_same_statement_elsewhere_means_sys_modules(main: ModuleType) -> None:
    mine = run(main, "import lib; got = lib")
    other: dict[str, Any] = {"__name__": "elsewhere"}
    exec("import lib.one", other)
    assert other["lib"] is not mine
    assert sys.modules.pop("lib.one") is other["lib"].one
    del sys.modules["lib"]


def test_threads_get_one_module_and_never_half_of_it(main: ModuleType, code: CodeFolder) -> None:
    code.write({"lib/slow.py": "import time\ntime.sleep(0.02)\nvalue = object()"})
    found: list[object] = []
    start = threading.Barrier(8)

    def read() -> None:
        start.wait()
        scope = vars(main)
        found.append(eval("__import__('lib.slow', globals(), None, ['value']).value", scope))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_hook_of_another_tool_is_left_in_place(code: CodeFolder) -> None:
    python = builtins.__import__
    earlier = EarlierGenerations()
    table = ModuleTable(OwnCode.below([code.path]), {})
    earlier.add(table)
    ours = builtins.__import__

    def tool(*arguments: Any, **named: Any) -> ModuleType:
        return ours(*arguments, **named)

    try:
        builtins.__import__ = tool
        earlier.remove(table)
        earlier.remove(table)
        assert builtins.__import__ is tool
        import json

        assert json.__name__ == "json"
        builtins.__import__ = ours
        earlier.add(table)
        earlier.remove(table)
        assert builtins.__import__ is python
    finally:
        builtins.__import__ = python
