"""What can be set about reload while developing. The names and defaults are uvicorn's."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ReloadSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadSettings:
    """Whether files are watched, and which."""

    reload: bool = field(
        default=False, metadata={"help": "Serve new code as soon as a file of the application changes."}
    )
    reload_dir: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Folder to watch instead of the application's; its modules are imported afresh at a reload too.",
            "metavar": "FOLDER",
        },
    )
    reload_include: tuple[str, ...] = field(
        default=(),
        metadata={"help": "File pattern or folder to watch, besides *.py.", "metavar": "GLOB"},
    )
    reload_exclude: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "File pattern or folder not to watch, besides .*, .py[cod], .sw.* and ~*.",
            "metavar": "GLOB",
        },
    )
    reload_delay: float = field(
        default=0.25,
        metadata={
            "help": "Time between two looks at the files, where watchfiles is not installed.",
            "unit": "seconds",
            "minimum": 0.01,
            "maximum": 3600,
        },
    )
