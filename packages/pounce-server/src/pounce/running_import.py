"""Whether an application is being imported: what must not happen meanwhile is that its module starts a server.

A script that calls ``pounce.run("main:app")`` without a guard would do that: the server imports the script, and that
starts a server, and so on.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pounce_asgi import ConfigError
from pounce_workers import is_being_born

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["RunningImport", "refuse_while_importing"]

_depth = threading.local()


class RunningImport:
    """The time in which this thread imports an application or calls its factory."""

    def __enter__(self) -> None:
        _depth.now = getattr(_depth, "now", 0) + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _depth.now -= 1


def refuse_while_importing() -> None:
    """
    Raises:
        ConfigError: this thread imports an application, or this is a worker process that does not serve yet.
    """
    if getattr(_depth, "now", 0) or is_being_born():
        raise ConfigError(
            "a server was started by the module of the application while a server imports it; "
            'put the start below: if __name__ == "__main__":'
        )
