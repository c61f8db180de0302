"""What ``pounce bench`` does: from options to words, JSON and a picture."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from pounce_testing.bench.comparison import Plan, compare
from pounce_testing.bench.contestants import chosen
from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.figures import as_json
from pounce_testing.bench.load import Generator, available_generator
from pounce_testing.bench.machine import machine
from pounce_testing.bench.picture import check_picture, write_picture
from pounce_testing.bench.request import LoadRequest
from pounce_testing.bench.terminal import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BenchError", "bench"]

LONGEST: Final = 86400.0
"""Seconds of one server in one round: a day."""


def bench(
    app: str,
    *,
    servers: tuple[str, ...] = (),
    path: str = "/",
    method: str = "GET",
    headers: tuple[str, ...] = (),
    body: str | None = None,
    rounds: int = 3,
    seconds: float = 5.0,
    connections: int = 32,
    workers: int = 1,
    generator: Generator | None = None,
    output: str | None = None,
    as_json_text: bool = False,
    app_dir: str = ".",
    echo: Callable[[str], object] = print,
    say: Callable[[str], object] | None = None,
) -> int:
    """Compare and print; returns the exit code. ``echo`` takes the result, ``say`` what goes on meanwhile.

    Raises:
        BenchError: it cannot be done as it was asked for; the message says what to do.
    """
    _check_application(app, app_dir)
    if not 0 < seconds <= LONGEST:  # not a number, either
        raise BenchError(f"--seconds {seconds:g} cannot be measured: it takes a number up to {LONGEST:g}")
    if output is not None:
        check_picture(output)
    try:
        plan = Plan(
            app=app,
            app_dir=str(Path(app_dir).resolve()),
            contestants=tuple(chosen(servers)),
            request=LoadRequest(
                method=method.upper(),
                path=path,
                headers=tuple(map(_header, headers)),
                body=_body(body),
            ),
            generator=generator or available_generator(),
            rounds=rounds,
            seconds=seconds,
            connections=connections,
            workers=workers,
        )
    except ValueError as error:
        raise BenchError(str(error)) from error
    here = machine()
    with _servers_end_with_us():
        comparison = compare(plan, say or _to_stderr)
    echo(json.dumps(as_json(comparison, here), indent=2) if as_json_text else in_words(comparison, here))
    if not comparison.measured:
        return 1
    if output is not None:
        write_picture(comparison, output)
        (say or _to_stderr)(f"the picture is in {output}")
    return 0


def _check_application(app: str, app_dir: str) -> None:
    module, _, attribute = app.partition(":")
    # Each server would make something else of it: of what begins with a dash an option.
    if not module or not attribute or module.startswith("-"):
        raise BenchError(f"{app!r} does not name an application: write module:attribute, such as main:app")
    if not Path(app_dir).is_dir():
        raise BenchError(f"{app_dir}: there is no such folder; name that of the application with --app-dir")


@contextlib.contextmanager
def _servers_end_with_us() -> Iterator[None]:
    """SIGTERM, as of a CI job that is cancelled, takes the servers along as Ctrl-C does: they are in sessions of their
    own, and would serve on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"{text!r} is no header: write NAME:VALUE")
    return name.strip(), value.strip()


def _body(text: str | None) -> bytes:
    """As it is, or what is in a file: ``@file``."""
    if text is None:
        return b""
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise ValueError(f"the body cannot be read from {text[1:]}: {error.strerror}") from error
