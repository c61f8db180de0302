"""A call that holds a loop, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .code_places import Place
    from .contracts import Request
    from .repeats import Repeat

__all__ = ["SlowCall", "held_again", "held_still", "released"]

COMPUTES: Final = 0.5
WAITS: Final = 0.1
"""Shares of a processor from which, and up to which, it is said that it computes or waits."""

_OFF_THE_LOOP: Final = (
    "Keep it off the event loop: await asyncio.to_thread(...) or loop.run_in_executor(...), or write the route with"
    " def where the framework runs such in threads"
)


@dataclass(slots=True)
class SlowCall:
    """One call. Owned by the thread that watches."""

    worker_id: int
    loop: str
    place: Place
    stack: str
    request: Request | None
    held: float
    """Seconds, so far."""
    busy: float | None
    """Share of a processor that it took, where that is known."""
    imports: bool = False
    over: bool = False
    """The loop turns again."""
    announced: bool = False
    """It was said while it lasted."""

    @property
    def whose(self) -> str:
        """The loop."""
        role = "" if self.loop == "worker" else f" ({self.loop})"
        return f"worker {self.worker_id}{role}"

    @property
    def doing(self) -> str:
        """The place, and for whom."""
        return f"{self.place}{self.asked}"

    @property
    def asked(self) -> str:
        """The request, if it is known."""
        request = self.request
        if request is None:
            return ""
        return f" for {request.method} {_printable(request.path)} over {request.protocol}"

    @property
    def nature(self) -> str:
        """What it does, and what to do about that."""
        if self.imports:
            return "It imports a module while it serves. Import it when the application starts"
        if self.busy is not None and self.busy >= COMPUTES:
            return f"It computes ({self.busy:.0%} of a processor). {_OFF_THE_LOOP}; with the GIL, in another process"
        if self.busy is not None and self.busy <= WAITS:
            return f"It waits without awaiting. {_OFF_THE_LOOP}, or take a library that awaits"
        return _OFF_THE_LOOP


def released(call: SlowCall) -> str:
    """That a call is over which was announced while it lasted."""
    return f"The event loop of {call.whose} turns again, after {call.held:.2f} s in {call.doing}"


def held_still(call: SlowCall) -> str:
    """A call that has lasted long, and goes on."""
    return (
        f"The event loop of {call.whose} has been held for {call.held:.2f} s, and still is, by {call.doing}: all its"
        f" other requests wait. {call.nature}.\n{call.stack}"
    )


def held_again(repeat: Repeat[SlowCall]) -> str:
    """Calls from one place that are over."""
    call = repeat.example
    if repeat.count == 1:
        return (
            f"The event loop of {call.whose} was held for {call.held:.2f} s by {call.doing}: all its other requests"
            f" waited. {call.nature}.\n{call.stack}"
        )
    return (
        f"Event loops were held {repeat.count} times in {max(1.0, repeat.last - repeat.since):.0f} s by {call.place},"
        f" at the longest for {call.held:.2f} s in {call.whose}{call.asked}. {call.nature}.\n{call.stack}"
    )


def _printable(text: str) -> str:
    """What a client chose must not forge lines."""
    return text.encode("unicode_escape").decode("ascii") if not text.isprintable() or not text.isascii() else text
