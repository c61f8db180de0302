"""Watching the files of the application while it is developed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_workers import WatchedFiles, Watcher

from .file_events import change_source
from .own_code import own_code

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable

    from .config import ServerConfig

__all__ = ["watch_code"]


def watch_code(
    config: ServerConfig, on_changed: Callable[[tuple[str, ...]], None], stack: contextlib.ExitStack
) -> None:
    """Call ``on_changed`` with the paths of changed files, in a thread of its own, until ``stack`` is left."""
    reloading = config.reloading
    folders = reloading.reload_dir or own_code(config.app, config.app_dir, ()).folders
    files = WatchedFiles.of(folders, reloading.reload_include, reloading.reload_exclude)
    watcher = Watcher(files, on_changed, source=change_source(), delay=reloading.reload_delay)
    watcher.start()
    stack.callback(watcher.stop)
