"""Files of environment variables (``--env-file``).

They are read by python-dotenv (extra ``dotenv``), not by a parser of ours: there is no standard for quotes, comments,
``export``, line continuation and ``${...}`` in these files, people have theirs from uvicorn, which reads them with the
same library, and a second dialect would read some passwords differently without a word.
"""

from __future__ import annotations

import os
from pathlib import Path

from pounce_asgi import ConfigError

from .features import DOTENV

__all__ = ["apply_env_file", "read_env_file"]


def read_env_file(path: str) -> dict[str, str]:
    """The variables in a file; names without a value are left out.

    Raises:
        ConfigError: the file cannot be read, or python-dotenv is not installed.
    """
    dotenv = DOTENV.load("env_file")
    try:
        with Path(path).open(encoding="utf-8") as stream:
            values = dotenv.dotenv_values(stream=stream)
    except OSError as error:
        raise ConfigError(f"env_file: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"env_file: {path} is not UTF-8: {error}") from None
    return {name: value for name, value in values.items() if value is not None}


def apply_env_file(path: str) -> None:
    """Add the variables of a file to the environment; those that are set already stay as they are.

    Raises:
        ConfigError: as ``read_env_file``.
    """
    for name, value in read_env_file(path).items():
        os.environ.setdefault(name, value)
