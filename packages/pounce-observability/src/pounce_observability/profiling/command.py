"""``pounce profile``: asks a server that runs for a profile of all its threads, and writes it to a file."""

from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

from .flame_graph import as_html, as_svg
from .merged_profile import MergedProfile, ProfileError
from .other_profilers import profile_of_process
from .profile_files import as_folded, as_speedscope
from .thread_profiler import ProfileRequest

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Client", "ProfileError", "profile", "written"]

SPARE: Final = 20.0
"""Seconds that a server may take beside the profile itself."""

_COARSE: Final = 2.0
"""Times the interval that was asked for; a reader is told of more."""


class Client(Protocol):
    """Speaks with the introspection of a server."""

    def request(self, method: str, target: str, timeout: float = 10.0) -> tuple[int, bytes]:
        """Status and body. Raises OSError."""


def profile(
    *,
    seconds: float = 10.0,
    interval: float = 0.01,
    idle: bool = False,
    output: str = "profile.speedscope.json",
    socket: str | None = None,
    address: str | None = None,
    pid: int | None = None,
    echo: Callable[[str], object] = print,
    connect: Callable[[str | None], Client] | None = None,
) -> None:
    """Make a profile and write it to ``output``, whose ending says how: ``.json`` for speedscope, ``.svg``, ``.html``,
    ``.folded`` or ``.txt``.

    The server is that of the introspection ``socket`` (a path) or ``address`` (host and port), or the only one that
    runs here. With ``pid`` the server is not asked: another profiler looks into that process. ``interval`` is between
    two samples, in seconds. ``idle``: threads that only wait for work are shown too. ``echo`` is given lines for the
    user; ``connect`` makes the client.

    Raises:
        ProfileError: there is none; the message says why and what to do. It is a `pounce_asgi.ConfigError`.
    """
    write = _writer(output)
    try:
        ProfileRequest({"seconds": seconds, "interval": interval})
    except ValueError as error:
        raise ProfileError(f"--{error}") from None
    _check_writable(output)
    if pid is not None:
        if socket is not None or address is not None:
            raise ProfileError("--pid looks into a process without asking it: leave --socket and --address out")
        found = profile_of_process(pid, seconds=seconds, interval=interval, idle=idle)
    else:
        target = f"unix:{socket}" if socket is not None else address
        client = (connect or _connected)(target)
        echo(f"Sampling for {seconds:g} seconds ...")
        found = _asked(client, seconds=seconds, interval=interval, idle=idle)
    for note in found.notes:
        echo(f"Note: {note}")
    if pid is None and found.interval > _COARSE * interval:
        echo(
            f"Note: there was a sample every {found.interval * 1000:.3g} ms, not every {interval * 1000:g} ms as asked"
            " for: looking more often would have held up the server. What is short or rare may be missing; a longer"
            " profile shows more"
        )
    if not found.stacks:
        raise ProfileError("no thread did anything in this time; with --idle those that only waited are shown too")
    name = f"pounce, {found.seconds:g} s" if pid is None else f"process {pid}, {found.seconds:g} s"
    try:
        pathlib.Path(output).write_text(write(found, name), "utf-8")
    except OSError as error:
        raise ProfileError(f"{output} cannot be written: {error.strerror or error}") from error
    echo(f"Wrote {found.samples} samples, {len(found.stacks)} different stacks, to {output}{_how_to_look(output)}")


def _connected(target: str | None) -> Client:
    from pounce_observability.introspection.client import IntrospectionClient, find_server

    try:
        client = IntrospectionClient(find_server(target))
    except OSError as error:
        raise ProfileError(error.strerror or str(error)) from error
    try:
        client.reach()
    except OSError as error:
        raise _not_asked(error) from error
    return client


def _asked(client: Client, *, seconds: float, interval: float, idle: bool) -> MergedProfile:
    query = urlencode({"seconds": f"{seconds:g}", "interval": f"{interval:g}", "idle": int(idle)})
    try:
        status, body = client.request("POST", f"/_pounce/profile?{query}", timeout=seconds + SPARE)
    except OSError as error:
        raise _not_asked(error) from error
    try:
        answer: Any = json.loads(body)
    except ValueError:
        answer = {}
    processes = answer.get("processes") if isinstance(answer, dict) else None
    if isinstance(processes, list):
        return MergedProfile.of_processes(processes)
    detail = answer.get("error") if isinstance(answer, dict) else None
    raise ProfileError(f"the server refused with {status}{f': {detail}' if detail else ''}")


def _not_asked(error: OSError) -> ProfileError:
    return ProfileError(f"the server could not be asked: {error.strerror or error}")


# -- files -----------------------------------------------------------------------------------------------------------


def written(found: MergedProfile, output: str, *, name: str) -> str:
    """What is to be in a file of this name."""
    return _writer(output)(found, name)


def _writer(output: str) -> Callable[[MergedProfile, str], str]:
    """Known before a profile is made, so that no minute is spent on a file that cannot be written."""
    ending = pathlib.PurePath(output).suffix.lower()
    try:
        return _WRITERS[ending]
    except KeyError:
        raise ProfileError(f"--output {output}: it must end in one of {', '.join(_WRITERS)}") from None


def _check_writable(output: str) -> None:
    """Found out by writing, which no other question tells; what is in the file stays until there is a profile."""
    path = pathlib.Path(output)
    new = not path.exists()
    try:
        with path.open("ab"):
            pass
        if new:
            path.unlink()
    except OSError as error:
        raise ProfileError(f"{output} cannot be written: {error.strerror or error}") from error


_WRITERS: Final[dict[str, Callable[[MergedProfile, str], str]]] = {
    ".json": lambda found, name: as_speedscope(found, name=name),
    ".svg": lambda found, name: as_svg(found, name=name),
    ".html": lambda found, name: as_html(found, name=name),
    ".folded": lambda found, _name: as_folded(found),
    ".txt": lambda found, _name: as_folded(found),
}


def _how_to_look(output: str) -> str:
    return ": open it at https://www.speedscope.app, which keeps it in the browser" if output.endswith(".json") else ""
