"""What type checkers say of our middleware around applications of frameworks, each of which has types of its own."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PACKAGES: Final = Path(__file__).parents[2] / "packages"

FRAMEWORKS: Final = {
    "fastapi": "from fastapi import FastAPI\nfastapi = FastAPI()",
    "starlette": "from starlette.applications import Starlette\nstarlette = Starlette()",
    "litestar": "from litestar import Litestar\nlitestar = Litestar()",
    "quart": "from quart import Quart\nquart = Quart('main')",
    "falcon": "from falcon.asgi import App\nfalcon = App()",
}
"""How each makes the application that has its name here."""

IMPORTS: Final = """\
from collections.abc import Callable
from typing import Any
from pounce_asgi.types import ASGIReceiveCallable, ASGISendCallable, Scope
from pounce_compression import CompressionMiddleware
from pounce_middleware.allowed_hosts import AllowedHostsMiddleware
from pounce_middleware.error_page import ErrorPageMiddleware
from pounce_middleware.request_id import RequestIdMiddleware
from pounce_observability.sentry import SentryMiddleware
from pounce_observability.tracing import TracingMiddleware
"""

AROUND: Final = """\
AllowedHostsMiddleware({app}, allowed_hosts=["example.org"])
CompressionMiddleware(RequestIdMiddleware({app}))
RequestIdMiddleware(CompressionMiddleware({app}))
ErrorPageMiddleware({app})
SentryMiddleware({app})
TracingMiddleware({app})
"""

ADDED: Final = """\
{app}.add_middleware(CompressionMiddleware)
{app}.add_middleware(RequestIdMiddleware, header="x-id")
{app}.add_middleware(TracingMiddleware)
"""

OURS: Final = """\
async def ours(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None: ...
async def loose(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None: ...
def blocks(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None: ...
async def two(scope: Scope, receive: ASGIReceiveCallable) -> None: ...

TracingMiddleware(ours)
TracingMiddleware(loose)
CompressionMiddleware(loose)
RequestIdMiddleware(blocks)  # refused
RequestIdMiddleware(two)  # refused
CompressionMiddleware("main:app")  # refused
"""


def test_applications_of_frameworks_are_taken_and_what_is_none_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    there = [name for name in FRAMEWORKS if importlib.util.find_spec(name) is not None]
    assert there, "no framework is installed"
    program = [IMPORTS, OURS]
    for name in there:
        program += [FRAMEWORKS[name], AROUND.format(app=name)]
        if name in ("fastapi", "starlette"):
            program.append(ADDED.format(app=name))
    text = "\n".join(program)
    (tmp_path / "main.py").write_text(text)
    sources = ", ".join(map(str, sorted(PACKAGES.glob("*/src"))))
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = True\nmypy_path = {sources}\n")
    arguments = ["--config-file", "mypy.ini", "--hide-error-context", "--no-error-summary", "main.py"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    refused = {number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# refused")}
    errors = {int(found) for found in re.findall(r"^main\.py:(\d+): error: ", done.stdout, re.MULTILINE)}
    assert errors == refused, done.stdout + done.stderr
