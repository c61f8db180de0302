"""A script that starts a server without a guard, and is the application's module too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pounce import ConfigError, Server, ServerConfig
from pounce.running_import import RunningImport, refuse_while_importing

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION = """
import sys, pounce

async def app(scope, receive, send):
    raise NotImplementedError
"""
START = "pounce.run({app}, port=0, log_format='text', workers=int(sys.argv[2]), worker_kind=sys.argv[1])\n"


def ended(folder: Path, script: str, *arguments: str) -> tuple[int, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
    done = subprocess.run(
        [sys.executable, script, *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("kind", ["thread 1", "thread 2", "process 2"])
def test_an_unguarded_script_is_told_what_to_write(tmp_path: Path, kind: str) -> None:
    (tmp_path / "main.py").write_text(APPLICATION + START.format(app="'main:app'"), encoding="utf-8")
    code, err = ended(tmp_path, "main.py", *kind.split())
    assert code == 1
    assert 'if __name__ == "__main__":' in err
    assert 'main.py", line 6, in <module>' in err
    assert not re.search(r'File ".*server\.py"', err), "the line of the script is what helps"


def test_a_module_that_starts_a_server_of_its_own_object(tmp_path: Path) -> None:
    """Worker processes import it when they are given the object: that is before anything of ours is called."""
    (tmp_path / "shop.py").write_text(APPLICATION + "if len(sys.argv) > 1: " + START.format(app="app"), "utf-8")
    (tmp_path / "start.py").write_text(
        "import sys, pounce\nsaved, sys.argv = sys.argv, []\nimport shop\nsys.argv = saved\n"
        "pounce.run(shop.app, port=0, log_format='text', workers=2, worker_kind='process')\n",
        "utf-8",
    )
    code, err = ended(tmp_path, "start.py", "process", "2")
    assert code == 1
    assert 'if __name__ == "__main__":' in err


def test_only_the_thread_that_imports_is_meant() -> None:
    seen: list[str] = []
    with RunningImport(), RunningImport():

        def look() -> None:
            refuse_while_importing()
            seen.append("None")

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        with pytest.raises(ConfigError, match="__main__"):
            Server(ServerConfig.of({"app": print})).run()
    assert seen == ["None"]
    refuse_while_importing()
