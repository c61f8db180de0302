from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from pounce_compression import installed

if TYPE_CHECKING:
    import pytest

PROGRAM = """
import sys
from pounce_compression import Compressor, DictionaryStore, available_codings
for coding in available_codings():
    stream = Compressor(coding)
    stream.compress(b"x" * 1000), stream.flush(), stream.finish(), Compressor.once(coding, b"x" * 1000)
DictionaryStore().add(b"x" * 1000, "/")
print(sys._is_gil_enabled() if hasattr(sys, "_is_gil_enabled") else True, "brotli" in sys.modules)
"""


def test_nothing_switches_the_gil_on() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    gil, brotli = done.stdout.split()
    if installed.free_threaded_build():
        assert (gil, brotli) == ("False", "False")
    else:
        assert gil == "True"


def test_a_free_threaded_build_does_not_look_for_what_would() -> None:
    if installed.free_threaded_build():
        assert installed.BROTLI_MODULES == ("brotlicffi",)
        assert installed.ZSTANDARD_MODULES == ()
    else:
        assert installed.BROTLI_MODULES == ("brotli", "brotlicffi")


def test_the_first_that_can_be_imported_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "BROTLI_MODULES", ("no_such_brotli", "zlib"))
    module = installed.brotli_module.__wrapped__()
    assert module is not None
    assert module.__name__ == "zlib"
    monkeypatch.setattr(installed, "BROTLI_MODULES", ("no_such_brotli",))
    assert installed.brotli_module.__wrapped__() is None
