"""Whether an application that was given as an object can be had by worker processes, each a Python of its own."""

from __future__ import annotations

import pickle
import sys
from io import BytesIO
from pathlib import Path
from types import FunctionType
from typing import Any

from pounce_asgi import ConfigError

__all__ = ["require_portable"]

MAIN = "__main__"


def require_portable(app: object) -> None:
    """Make sure that worker processes can have this application: by its name, or as a copy.

    Raises:
        ConfigError: they cannot; the message says what to do instead.
    """
    if isinstance(app, str):
        return
    pickler = _Pickler(BytesIO())
    try:
        pickler.dump(app)
    except Exception as error:  # noqa: BLE001 - foreign objects may raise anything when they are copied
        raise ConfigError(_advice(app, f"it cannot be copied ({type(error).__name__}: {error})")) from None
    if pickler.needs_main:
        raise ConfigError(_advice(app, "it is in the script that was started, which they do not run"))


class _Pickler(pickle.Pickler):
    """Notices what would be looked up in the script: it is pickled by name, and only its copy would fail."""

    needs_main = False

    def reducer_override(self, found: Any) -> Any:
        """Called for each object; none is pickled in another way."""
        if isinstance(found, FunctionType | type) and found.__module__ == MAIN:
            self.needs_main = True
        return NotImplemented


def _advice(app: object, why: str) -> str:
    return (
        f"worker processes cannot be given this application: {why}. Name it instead, such as {_name(app)!r}, and start "
        'the server below: if __name__ == "__main__": - or serve with --worker-kind thread'
    )


def _name(app: object) -> str:
    """What it would be called if the script were imported, as far as that can be seen."""
    main = sys.modules.get(MAIN)
    script = getattr(main, "__file__", None)
    module = Path(script).stem if script else ""
    name = next((name for name, value in vars(main).items() if value is app), "") if main is not None else ""
    return f"{module}:{name}" if module.isidentifier() and name else "main:app"
