"""What can be set about logging. The server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["LoggingSettings"]

LEVELS: Final = ("critical", "error", "warning", "info", "debug")
FORMATS: Final = ("auto", "text", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """How messages of the server and of what runs in it are logged.

    Raises:
        ValueError: a value is not allowed; the message names the field.
    """

    log_level: str = field(
        default="info", metadata={"help": "What is logged: this level and above.", "choices": LEVELS}
    )
    log_config: str | None = field(
        default=None,
        metadata={
            "help": "File that sets up logging: .toml, .json, .yaml (needs the extra yaml), or .ini and .conf of"
            " logging.config.",
            "metavar": "FILE",
        },
    )
    log_format: Literal["auto", "text", "json"] = field(
        default="auto",
        metadata={
            "help": "How a message looks; auto is text on a terminal, with colours if the extra rich is installed, and"
            " json elsewhere.",
            "choices": FORMATS,
        },
    )
    log_file: str | None = field(
        default=None,
        metadata={
            "help": "File to which messages are appended, instead of the standard error output. SIGUSR1 opens it anew.",
            "metavar": "FILE",
        },
    )

    def __post_init__(self) -> None:
        if self.log_level not in LEVELS:
            raise ValueError(f"log_level: {self.log_level!r} is not one of {', '.join(LEVELS)}")
        if self.log_format not in FORMATS:
            raise ValueError(f"log_format: {self.log_format!r} is not one of {', '.join(FORMATS)}")
        for name in ("log_config", "log_file"):
            if getattr(self, name) == "":
                raise ValueError(f"{name}: '' is no file")
        if self.log_config is not None and self.log_file is not None:
            raise ValueError("log_file: log_config says where messages go, so it cannot be set beside that")
