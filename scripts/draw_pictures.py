"""Draw the pictures of the documentation into docs/assets: ``python -m scripts.draw_pictures``.

The life of the server comes from its table and the chart from benchmarks/RESULTS.md; a test says when one of the
files is behind.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce.stages import Stage
from scripts.bench_figures import chart
from scripts.draw_stages import arrows
from scripts.drawing_kit import Drawing

if TYPE_CHECKING:
    from collections.abc import Callable

ASSETS: Final = Path(__file__).resolve().parent.parent / "docs" / "assets"
WIDTH: Final = 520
"""Units; what is this wide can still be read on a telephone."""


def way_of_a_request() -> Drawing:
    """From the socket to the application and back."""
    drawing = Drawing(
        title="The way of a request",
        description="A socket goes from the distributor to a worker; bytes go through transport and protocol to the"
        " exchange, which calls middleware and application; the answer goes the same way back.",
        width=WIDTH,
        height=560,
    )
    steps = [
        ("AcceptDistributor", "one thread accepts, and picks the worker with the fewest"),
        ("Worker", "a thread with an event loop of its own"),
        ("Transport", "plain or TLS; sent at once, kept only if the socket is full"),
        ("Protocol", "HTTP/1.1, HTTP/2, HTTP/3 or WebSocket"),
        ("HttpExchange", "the rules of ASGI, the same for every protocol"),
        ("Middleware", "only what is switched on"),
        ("Application", "yours"),
    ]
    down = ["socket", "fd is readable", "bytes", "head, body", "scope, receive, send", ""]
    up = ["", "bytes", "bytes", "status, fields, body", "messages", ""]
    for number, (name, what) in enumerate(steps):
        top = 10 + number * 79
        drawing.box(60, top, 400, 50, name, what)
        if number == len(steps) - 1:
            break
        drawing.line([(230, top + 51), (230, top + 78)])
        drawing.text(222, top + 69, down[number], kind="soft", anchor="end")
        if number:
            drawing.line([(290, top + 78), (290, top + 51)])
            drawing.text(298, top + 69, up[number], kind="soft", anchor="start")
    return drawing


def worker_kinds() -> Drawing:
    """What is one thing and what are several, in threads and in processes."""
    drawing = Drawing(
        title="Kinds of workers",
        description="Threads: one process, one application, a loop for each worker. Processes: a parent that imports"
        " nothing, and a whole interpreter with its own application for each worker. Blocking: each worker has threads,"
        " one request to each.",
        width=WIDTH,
        height=640,
    )
    drawing.text(10, 22, "Worker threads: the GIL is off (3.14t)", kind="strong", anchor="start")
    drawing.rectangle(10, 34, 500, 150, kind="hull")
    drawing.text(20, 52, "one process", kind="soft", anchor="start")
    drawing.box(30, 88, 130, 50, "Distributor", "accepts")
    for number in range(3):
        top = 44 + number * 46
        drawing.box(205, top, 120, 38, f"loop {number}")
        drawing.line([(160, 113), (182, 113), (182, top + 19), (204, top + 19)])
        drawing.line([(325, top + 19), (350, top + 19), (350, 113), (374, 113)])
    drawing.box(375, 88, 120, 50, "Application", "one object")

    drawing.text(10, 222, "Worker processes: the GIL is on", kind="strong", anchor="start")
    drawing.box(30, 288, 130, 50, "Parent", "opens, watches")
    for number in range(3):
        top = 236 + number * 56
        drawing.rectangle(196, top, 314, 48, kind="hull")
        drawing.box(205, top + 5, 120, 38, f"loop {number}")
        drawing.line([(325, top + 24), (374, top + 24)])
        drawing.box(375, top + 5, 120, 38, "Application")
        drawing.line([(160, 313), (178, 313), (178, top + 24), (195, top + 24)])

    drawing.text(10, 440, "Blocking workers: WSGI, SyncApp", kind="strong", anchor="start")
    drawing.box(30, 496, 130, 50, "Selector", "clients that wait")
    for number in range(3):
        top = 452 + number * 46
        drawing.box(205, top, 120, 38, f"thread {number}")
        drawing.line([(160, 521), (182, 521), (182, top + 19), (204, top + 19)])
        drawing.line([(325, top + 19), (350, top + 19), (350, 521), (374, 521)])
    drawing.box(375, 496, 120, 50, "Application", "one call a thread")
    drawing.text(10, 616, "A connection has a thread only while its request is answered.", kind="soft", anchor="start")
    return drawing


def reload_of_code() -> Drawing:
    """Two generations side by side in time."""
    drawing = Drawing(
        title="A reload",
        description="The old code serves while the new code is imported, its lifespan started and its workers made."
        " Then new connections go to the new code, and the old one finishes what it has.",
        width=WIDTH,
        height=300,
    )
    drawing.text(10, 24, "old code", kind="strong", anchor="start")
    drawing.box(10, 36, 285, 44, "serves")
    drawing.box(295, 36, 160, 44, "finishes requests")
    drawing.text(468, 63, "ends", kind="soft", anchor="start")
    drawing.text(110, 124, "new code", kind="strong", anchor="start")
    drawing.box(110, 136, 82, 44, "import")
    drawing.box(192, 136, 103, 44, "lifespan")
    drawing.box(295, 136, 215, 44, "serves")
    drawing.line([(110, 212), (110, 183)])
    drawing.text(110, 230, "a file changed,", kind="soft")
    drawing.text(110, 248, "or SIGHUP", kind="soft")
    drawing.line([(295, 212), (295, 183)])
    drawing.text(295, 230, "its workers are ready:", kind="soft")
    drawing.text(295, 248, "new connections, and idle ones, go there", kind="soft")
    drawing.text(10, 286, "If anything fails before that, the old code simply serves on.", kind="soft", anchor="start")
    return drawing


def life_of_the_server() -> Drawing:
    """The stages of the table from above to below, with the events that lead on."""
    drawing = Drawing(
        title="The life of the server",
        description="; ".join(f"{start.name} to {to.name}: {', '.join(events)}" for (start, to), events in _arrows()),
        width=WIDTH,
        height=len(Stage) * 78 + 14,
    )
    stages = list(Stage)
    tops = {stage: 10 + number * 78 for number, stage in enumerate(stages)}
    lane, onward = 496.0, set[str]()
    for stage in stages:
        drawing.box(190, tops[stage], 120, 44, stage.name)
    for (start, to), events in _arrows():
        if start is to:
            for number, event in enumerate(events):
                drawing.text(182, tops[start] + 12 + number * 15, f"↻ {event}", kind="soft", anchor="end")
        elif stages.index(to) == stages.index(start) + 1:
            drawing.line([(250, tops[start] + 44), (250, tops[to] - 1)])
            drawing.text(242, tops[start] + 66, ", ".join(events), kind="soft", anchor="end")
        else:
            lane -= 34
            onward.add(", ".join(events))
            drawing.line(
                [(310, tops[start] + 22), (lane, tops[start] + 22), (lane, tops[to] + 22), (311, tops[to] + 22)]
            )
    (words,) = onward  # whatever passes stages over does so for the same reasons
    drawing.text(318, tops[stages[0]] + 15, words, kind="soft", anchor="start")
    return drawing


def _arrows() -> list[tuple[tuple[Stage, Stage], list[str]]]:
    return list(arrows().items())


PICTURES: Final[dict[str, Callable[[], Drawing]]] = {
    "way-of-a-request.svg": way_of_a_request,
    "worker-kinds.svg": worker_kinds,
    "reload.svg": reload_of_code,
    "life-of-the-server.svg": life_of_the_server,
    "benchmark.svg": chart,
}


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (ASSETS / name).write_text(str(draw()), encoding="utf-8")
