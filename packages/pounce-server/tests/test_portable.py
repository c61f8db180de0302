"""Applications that worker processes are given as objects."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pounce import ConfigError
from pounce.portable import require_portable

if TYPE_CHECKING:
    from pathlib import Path


class Application:
    def __init__(self, part: object = None) -> None:
        self.part = part

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


async def application(scope: Any, receive: Any, send: Any) -> None: ...


class Locked(Application):
    def __reduce__(self) -> Any:
        raise OSError("no copies")


@pytest.mark.parametrize("app", ["main:app", Application(), Application("__main__"), partial(Application), print])
def test_what_has_a_name_or_can_be_copied(app: Any) -> None:
    require_portable(app)


@pytest.mark.parametrize(
    ("app", "why"),
    [(lambda scope: scope, "PicklingError|AttributeError"), (Locked(), "OSError: no copies")],
)
def test_what_cannot_be_copied(app: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"it cannot be copied \((?:{why}).* Name it instead, such as 'main:app'"):
        require_portable(app)


@pytest.mark.parametrize(
    ("app", "name"),
    [("app", "shop:app"), ("made", "shop:made"), ("Holder(app)", "main:app"), ("partial(app)", "main:app")],
)
def test_what_is_in_the_script_is_not_in_a_worker_process(tmp_path: Path, app: str, name: str) -> None:
    script = tmp_path / "shop.py"
    lines = (
        "from functools import partial",
        "from pounce import ConfigError",
        "from pounce.portable import require_portable",
        "async def app(scope, receive, send): ...",
        "class App:",
        "    def __call__(self, scope, receive, send): ...",
        "class Holder:",
        "    def __init__(self, app): self.app = app",
        "Holder.__module__ = 'elsewhere'",
        "import sys, types",
        "sys.modules['elsewhere'] = types.SimpleNamespace(Holder=Holder)",
        "made = App()",
        "try:",
        f"    require_portable({app})",
        "except ConfigError as error:",
        "    print(error)",
    )
    script.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert f"it is in the script that was started, which they do not run. Name it instead, such as '{name}'" in (
        done.stdout
    )
