"""A comparison as a picture: SVG, which is written here, or what matplotlib can write where it is installed."""

from __future__ import annotations

import html
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.terminal import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_testing.bench.comparison import Comparison, Result

__all__ = ["check_picture", "svg", "write_picture"]

OWN: Final = "#d9480f"
OTHERS: Final = "#868e96"
WIDTH: Final = 720
LEFT: Final = 150
RIGHT: Final = 110
ROW: Final = 34
TOP: Final = 62
FONT: Final = 'font-family="sans-serif" font-size="14"'
LINES: Final = "the lines go from the lowest to the highest"


def check_picture(path: str) -> None:
    """Say before the work whether the picture can be written after it.

    Raises:
        BenchError: it cannot; the message says what to do.
    """
    if not Path(path).resolve().parent.is_dir():
        raise BenchError(f"{path}: there is no such folder")
    if Path(path).suffix == ".svg":
        return
    if importlib.util.find_spec("matplotlib") is None:
        raise BenchError(
            f"a picture as {Path(path).suffix or path} needs matplotlib: pip install matplotlib, or name a file that"
            " ends with .svg, which needs nothing"
        )
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in known:
        raise BenchError(f"{path}: the name has to end with one of {', '.join(f'.{one}' for one in sorted(known))}")


def write_picture(comparison: Comparison, path: str) -> None:
    """Write it in the format that the name says."""
    if Path(path).suffix == ".svg":
        Path(path).write_text(svg(comparison), encoding="utf-8")
    else:
        _by_matplotlib(comparison.measured, _title(comparison), path)


def _title(comparison: Comparison) -> str:
    plan = comparison.plan
    return f"CPU per request, {plan.request.method} {plan.request.path} of {plan.app} (less is better)"


def svg(comparison: Comparison) -> str:
    """Bars up to the median, a line over them from the lowest to the highest round."""
    measured = comparison.measured
    longest = max((result.cpu.high for result in measured), default=0.0) or 1.0  # none was seen in a short round
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + ROW * len(measured) + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {FONT}>',
        f"<title>{html.escape(_title(comparison))}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="28" font-size="16" fill="#212529">{html.escape(_title(comparison))}</text>',
        f'<text x="16" y="48" font-size="12" fill="#495057">{comparison.plan.rounds} rounds; {LINES}</text>',
    ]
    for number, result in enumerate(measured):
        lines += _svg_row(result, TOP + ROW * number, scale)
    return "\n".join([*lines, "</svg>", ""])


def _svg_row(result: Result, y: int, scale: float) -> list[str]:
    colour = OWN if result.name == "pounce" else OTHERS
    middle = y + ROW // 2
    low, median, high = (LEFT + value * scale for value in (result.cpu.low, result.cpu.median, result.cpu.high))
    name = html.escape(f"{result.name} {result.version}")
    return [
        f'<text x="{LEFT - 10}" y="{middle + 5}" text-anchor="end" fill="#212529">{name}</text>',
        f'<rect x="{LEFT}" y="{y + 5}" width="{median - LEFT:.1f}" height="{ROW - 10}" rx="2" fill="{colour}"/>',
        f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" stroke="#212529" stroke-width="2"/>',
        f'<text x="{high + 8:.1f}" y="{middle + 5}" fill="#212529">{duration(result.cpu.median)}</text>',
    ]


def _by_matplotlib(measured: Sequence[Result], title: str, path: str) -> None:
    import matplotlib as mpl

    mpl.use("Agg")  # no display is needed
    from matplotlib import pyplot

    microseconds = [result.cpu.median * 1e6 for result in measured]
    lower = [(result.cpu.median - result.cpu.low) * 1e6 for result in measured]
    upper = [(result.cpu.high - result.cpu.median) * 1e6 for result in measured]
    names = [f"{result.name} {result.version}" for result in measured]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.5 * len(measured)), layout="constrained")
    colours = [OWN if result.name == "pounce" else OTHERS for result in measured]
    axes.barh(names, microseconds, xerr=[lower, upper], color=colours, capsize=3)
    axes.invert_yaxis()
    axes.set_xlabel(f"microseconds; {LINES} round")
    axes.set_title(title)
    try:
        figure.savefig(path, dpi=150)
    finally:
        pyplot.close(figure)
