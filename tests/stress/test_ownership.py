"""Servers whose source tells which thread writes to what: the page of shared objects names all that several write, and
what it does not name is one thread's, or handed over in a way that makes the next one wait.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.stress.crowd import Circumstances
from tests.stress.serving import KINDS, Served, serve_every_protocol, serve_unruly_clients

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP to send")

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PAGE: Final = (ROOT / "docs/security/shared-objects.md").read_text(encoding="utf-8")

GIVEN: Final = Circumstances(seed=20261122, threads=6, interval=1e-5, seconds=0.0)


def classes_of(text: str) -> set[str]:
    """The classes in the first column of its tables."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([A-Z]\w+)", cell)}


NAMED: Final = classes_of(PAGE)
HANDED_OVER: Final = classes_of(PAGE.partition("## What goes from thread to thread")[2].partition("\n## ")[0])


def blocking(folder: Path) -> Served:
    """Connections go between a parking thread and those of a pool, and to new code."""
    return serve_unruly_clients(folder, KINDS["sync"], GIVEN, reloads=1, answers=40, watch=True)


def moving(folder: Path) -> Served:
    """Connections go from loop to loop."""
    return serve_unruly_clients(folder, KINDS["asgi-in-sync"], GIVEN, reloads=1, answers=40, watch=True)


def every_protocol(folder: Path) -> Served:
    """A loop for each worker."""
    return serve_every_protocol(folder, GIVEN, answers=40)


@pytest.mark.parametrize("serve", [blocking, moving, every_protocol])
def test_what_several_threads_write_is_on_the_page(serve: Callable[[Path], Served], tmp_path: Path) -> None:
    served = serve(tmp_path)
    assert served.shared, "not even what is known was seen"
    for owner, name in {*served.shared, *served.raced}:
        assert owner.rpartition(".")[2] in NAMED, f"{owner}.{name} is written by several threads: why is that right?"
    for owner, name in served.raced:
        assert owner.rpartition(".")[2] not in HANDED_OVER, f"{owner}.{name} is written by two threads at once"


def test_connections_are_handed_over() -> None:
    assert {"Http1Connection", "MovableConnection", "RequestReader", "BlockingTransport"} <= HANDED_OVER
    assert not {"Http2Connection", "Http3Connection", "WebSocketExchange", "HttpExchange", "SocketTransport"} & NAMED
