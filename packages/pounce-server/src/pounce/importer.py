"""From ``module:attribute`` to the application.

A mistake in the name is one clear line with the nearest name that exists. An error raised *inside* the application's
modules is another thing: it is kept as the cause, so that its own traceback, without our frames, can be shown.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import itertools
import os
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import AppImportError

from .running_import import RunningImport
from .settings import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType, TracebackType

__all__ = ["can_serve", "find_named", "find_target", "load_application", "make_application", "prepare_path"]


def prepare_path(app_dir: str) -> None:
    """Put the application's folder (the current one if empty) first on ``sys.path``.

    Raises:
        AppImportError: it is not a folder.
    """
    try:
        folder = Path(app_dir or ".").absolute()
    except FileNotFoundError:  # as after a deployment that put another folder in its place
        raise AppImportError(
            "the current folder is gone; change into it again, or name one with --app-dir (in code: app_dir)"
        ) from None
    if not folder.is_dir():
        raise AppImportError(f"app_dir: {app_dir!r} is not a folder")
    # An earlier entry for it would already win, and a second one would only slow down every failing import.
    if not sys.path or sys.path[0] != os.fspath(folder):
        sys.path.insert(0, os.fspath(folder))


def load_application(target: object, *, factory: bool = False) -> object:
    """The object that ``target`` names (``module:attribute.attribute``), or ``target`` itself if it is not a text;
    with ``factory`` what calling it returns.

    Raises:
        AppImportError: with one line that says what is wrong. If the application's own code raised, that exception is
            the cause and its traceback begins in that code.
    """
    found = find_target(target)
    return make_application(found, target) if factory else found


def find_target(target: object) -> Any:
    """The object that ``target`` names, or ``target`` itself if it is not a text; it can be called, or has the
    ``handle()`` of a SyncApp.

    Raises:
        AppImportError: as ``load_application`` says.
    """
    found = _attribute(target) if isinstance(target, str) else target
    if not can_serve(found):
        raise AppImportError(f"{_name(target)} is not callable: it is {_described(found)}")
    return found


def find_named(target: str, setting: str) -> Any:
    """What ``target`` names for a setting: a class or function.

    Raises:
        AppImportError: as ``load_application`` says; the message begins with the setting.
    """
    try:
        found = _attribute(target)
    except AppImportError as error:
        raise AppImportError(f"{setting}: {error}") from error.__cause__
    if not callable(found):
        raise AppImportError(f"{setting}: {target} is not callable: it is {_described(found)}")
    return found


def can_serve(app: object) -> bool:
    """Whether it can be an application or make one; what kind it is, and whether it is right, is seen elsewhere."""
    return callable(app) or callable(getattr(app, "handle", None))


def make_application(factory: Any, target: object) -> object:
    """The application that a factory makes; ``target`` is what named it.

    Raises:
        AppImportError: as ``load_application`` says.
    """
    name = _name(target)
    try:
        with RunningImport():
            app = factory()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a foreign callable may raise anything
        own = _without_our_frames(error)
        if own.__traceback__ is None:  # it was never entered: the call itself does not fit
            raise AppImportError(f"{name} cannot be called as a factory, without arguments: {error}") from None
        raise _raised_inside(f"calling the factory {name}", error) from own
    if inspect.iscoroutine(app):
        app.close()
        raise AppImportError(f"{name} is a coroutine function; a factory must return the application directly")
    if not can_serve(app):
        raise AppImportError(f"the factory {name} returned {_described(app)}, which is not callable")
    return app


def _name(target: object) -> str:
    return target if isinstance(target, str) else "the application"


def _attribute(target: str) -> Any:
    module_name, colon, path = target.partition(":")
    if not (colon and module_name and path):
        raise AppImportError(f"{target!r} does not name an application: write module:attribute{_corrected(target)}")
    if not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        raise AppImportError(f"{target!r} is not of the form module:attribute{_corrected(target)}")
    found: Any = _module(module_name)
    seen = module_name
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise AppImportError(f"{seen} has no attribute {part!r}{_hint(_similar(part, found))}") from None
        seen = f"{seen}:{part}" if ":" not in seen else f"{seen}.{part}"
    return found


def _module(name: str) -> ModuleType:
    try:
        with RunningImport():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if _is_itself_missing(name, error):
            raise AppImportError(_not_found(name, str(error.name))) from None
        raise _raised_inside(f"importing {name}", error, _where_to_install(error)) from _without_our_frames(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a foreign module may raise anything
        raise _raised_inside(f"importing {name}", error) from _without_our_frames(error)


def _raised_inside(doing: str, error: BaseException, advice: str = "") -> AppImportError:
    return AppImportError(f"{doing} raised {_described_error(error)}{advice}")


def _where_to_install(error: ModuleNotFoundError) -> str:
    """The commonest reason is that the server runs in another environment than the person thinks."""
    missing = (error.name or "").partition(".")[0]
    if not missing or missing in sys.modules or missing in sys.stdlib_module_names:
        return ""
    return f"; the server runs with {sys.executable}, where it is not installed"


def _described_error(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _described(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__!r}"


def _is_itself_missing(name: str, error: ModuleNotFoundError) -> bool:
    """Whether the module that was asked for is missing, rather than one that its own code imports."""
    asked_for = error.name is not None and (name == error.name or name.startswith(error.name + "."))
    return asked_for and _without_our_frames(error).__traceback__ is None


def _without_our_frames(error: BaseException) -> BaseException:
    """The error with a traceback of the application's code alone; None if that was never reached."""
    kept = [trace for trace in _traces(error.__traceback__) if not _is_ours(trace.tb_frame.f_code.co_filename)]
    for trace, following in itertools.pairwise([*kept, None]):
        if trace is not None:
            trace.tb_next = following
    return error.with_traceback(kept[0] if kept else None)


def _traces(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


_OURS: Final = ("earlier_imports.py", "fresh_source.py", "running_import.py", "server.py")
_OUR_FILES: Final = frozenset({importlib.__file__} | {str(Path(__file__).with_name(name)) for name in _OURS})


def _is_ours(filename: str) -> bool:
    return filename == __file__ or filename in _OUR_FILES or filename.startswith("<frozen importlib")


def _not_found(name: str, missing: str) -> str:
    parent, _, last = missing.rpartition(".")
    folders = list(getattr(sys.modules[parent], "__path__", ())) if parent in sys.modules else []
    if parent and not folders:
        hint = _hint(parent if last == "py" else None)  # the name of a file
        return f"there is no module {missing!r}: {parent!r} is a module, not a package{hint}"
    match = nearest(last, _modules_in(folders or sys.path[:1])) or (
        # Among all that is installed something is always a little alike.
        nearest(last, _modules_in(sys.path), likeness=0.75)
    )
    suggestion = f"{parent}.{match}" if parent and match else match
    where = f" in the package {parent!r}" if parent else f" in {sys.path[0]}"
    otherwise = "" if parent else "; if it is in another folder, name that with --app-dir (in code: app_dir)"
    hint = f"; did you mean {suggestion + name[len(missing) :]!r}?" if suggestion else otherwise
    return f"there is no module {missing!r}{where}{hint}"


def _modules_in(folders: Iterable[str]) -> list[str]:
    return [module.name for module in pkgutil.iter_modules(list(folders))]


def _similar(name: str, holder: object) -> str | None:
    """The nearest attribute; ``app`` is near ``application``, though the letters differ by much."""
    public = [one for one in dir(holder) if not one.startswith("_")]
    match = difflib.get_close_matches(name, public, n=1, cutoff=0.6)
    if match:
        return match[0]
    return next((one for one in public if one.startswith(name) or name.startswith(one)), None)


def _hint(match: str | None) -> str:
    return f"; did you mean {match!r}?" if match else ""


def _corrected(target: str) -> str:
    """What was probably meant by a path, a bare module name or ``module.attribute``."""
    module_name, _, path = target.partition(":")
    stem = module_name.removesuffix(".py").removesuffix("/").removeprefix("./").replace("/", ".").replace("\\", ".")
    if not path and stem.endswith((".asgi", ".wsgi")):
        path = "application"  # as Django makes them
    elif not path and target == stem and "." in stem:
        stem, _, path = stem.rpartition(".")  # as in Python: main.app
    path = path.partition(":")[0]
    guess = f"{stem}:{path or 'app'}"
    return f", such as {guess}" if all(part.isidentifier() for part in guess.replace(":", ".").split(".")) else ""
