"""The look of `pounce top`. The only file of it that needs rich."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pounce_observability.top.units import bytes_text, duration, number, printable

if TYPE_CHECKING:
    from typing import TextIO

    from pounce_observability.top.figures import Figures, RequestFigures, WorkerFigures

__all__ = ["Screen", "frame", "print_frame"]

SLOW: Final = 1.0
"""Seconds from which a request is marked."""

LAGS: Final = 0.1
"""Seconds from which a lag is marked."""


class Screen:
    """The whole terminal, while its block runs; what was on it before comes back afterwards."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, screen=True, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(None, None, None)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now; not as a shell that exports COLUMNS and LINES found them once."""
        try:
            columns, lines = os.get_terminal_size(sys.stdout.fileno())
        except (OSError, ValueError):
            columns, lines = self._console.size
        return columns, lines

    def show(self, figures: Figures | None, status: str) -> None:
        """Draw it anew."""
        self._console.size = ConsoleDimensions(*self.size)
        self._live.update(frame(figures, status, self.size[1]), refresh=True)


def print_frame(figures: Figures, status: str, file: TextIO | None = None) -> None:
    """One frame, as long as it needs to be."""
    console = Console(highlight=False, file=file)
    console.print(frame(figures, status, max(console.size.height, 24)))


def frame(figures: Figures | None, status: str, height: int) -> RenderableType:
    """What fits into so many lines. Without figures there is only the ``status``."""
    bottom = Text(printable(status), style="reverse", no_wrap=True, overflow="ellipsis")
    if figures is None:
        return Group(Text("pounce top", style="bold"), Text(""), bottom)
    # Three lines of totals, a heading and an empty line for each table, and the bottom line.
    room = max(height - 8, 2)
    for_requests = min(len(figures.slowest), max(room // 2, room - len(figures.workers)))
    return Group(
        _first_line(figures),
        _rates(figures),
        _loads(figures),
        Text(""),
        _workers(figures.workers, max(room - for_requests, 1)),
        Text(""),
        _requests(figures.slowest, max(for_requests, 1)),
        bottom,
    )


def _first_line(figures: Figures) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"Pounce {printable(figures.version)}".strip(), style="bold")
    text.append(f"  up {duration(figures.uptime)}  workers {len(figures.workers)}  processes {figures.processes}")
    if figures.gil is not None:
        text.append(f"  GIL {'on' if figures.gil else 'off'}")
    if figures.lost_processes:
        text.append(f"  {figures.lost_processes} silent", style="bold red")
    return text


def _rates(figures: Figures) -> Text:
    return _line(
        ("req/s", number(figures.requests_per_second), ""),
        ("err/s", number(figures.errors_per_second), "bold red" if figures.errors_per_second else ""),
        ("out/s", bytes_text(figures.bytes_per_second), ""),
        ("p50", duration(figures.p50), ""),
        ("p99", duration(figures.p99), ""),
    )


def _loads(figures: Figures) -> Text:
    return _line(
        ("connections", number(figures.connections), ""),
        ("busy", number(figures.in_flight), ""),
        ("queued", number(figures.queued), "bold yellow" if figures.queued else ""),
        ("cpu", "-" if figures.cpu is None else f"{figures.cpu * 100:.0f}%", ""),
        ("rss", bytes_text(figures.rss), ""),
    )


def _line(*parts: tuple[str, str, str]) -> Text:
    """Names with their values, each in a style of its own where it has one."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for name, value, style in parts:
        text.append(f"{name} ", style="dim")
        text.append(f"{value}  ", style=style or "bold")
    return text


def _workers(workers: list[WorkerFigures], most: int) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    for name in ("WORKER", "GEN", "PID"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("MODE", no_wrap=True)
    for name in ("CONNS", "BUSY", "QUEUED", "REQ/S", "LAG"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = workers if len(workers) <= most else workers[: max(most - 1, 0)]
    for one in shown:
        table.add_row(
            str(one.worker_id),
            str(one.generation),
            str(one.pid),
            f"{one.mode.replace('_', ' ')} {one.kind}",
            number(one.connections),
            number(one.in_flight),
            number(one.queued),
            number(one.requests_per_second),
            _lag(one),
        )
    if len(shown) < len(workers):
        table.add_row("...", "", "", f"{len(workers) - len(shown)} more")
    return table


def _requests(requests: list[RequestFigures], most: int) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    table.add_column("AGE", justify="right", no_wrap=True, min_width=7)
    table.add_column("STATE", no_wrap=True)
    table.add_column("SLOWEST REQUEST IN FLIGHT", no_wrap=True, ratio=1, overflow="ellipsis")
    table.add_column("CLIENT", no_wrap=True, overflow="ellipsis", max_width=22)
    table.add_column("W", justify="right", no_wrap=True)
    for one in requests[:most]:
        age = Text(duration(one.age), style="bold yellow" if one.age is not None and one.age >= SLOW else "")
        request = Text(printable(f"{one.method} {one.path}".strip()))
        table.add_row(age, Text(one.state), request, Text(printable(one.client)), str(one.worker_id))
    return table


def _lag(worker: WorkerFigures) -> Text:
    if not worker.answers:
        return Text(f"held {duration(worker.beat_age)}", style="bold red")
    return Text(duration(worker.lag), style="yellow" if worker.lag is not None and worker.lag >= LAGS else "")
