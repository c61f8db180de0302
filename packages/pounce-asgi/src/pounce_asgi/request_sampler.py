"""What a worker tells whoever measures where the time of single requests goes, and nothing where nobody does.

A worker that is given a `RequestSampler` at its birth serves with classes that ask it; any other serves as if there
were none. All times are those of the sampler's own ``clock``, in seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pounce_asgi.types import ASGI3Application

__all__ = ["HeadTimes", "RequestSampler"]


class HeadTimes(NamedTuple):
    """How the head of a request over HTTP/1.1 came in. For one that came in one piece both halves are the same."""

    first_ready: float
    """The loop learnt that its first bytes wait in the socket; where that is not known, as the next."""
    first: float
    """They were handed to the parser."""
    last_ready: float
    """The same for the piece that completed the head."""
    last: float


class RequestSampler(Protocol):
    """Chooses requests of one event loop and measures them. Owned by the loop's thread."""

    due: bool
    """The next request that begins is to be measured. Written by the sampler, read once for each piece received."""
    ready: float
    """When the descriptors that are served just now were found ready; 0 between two batches, and on loops that cannot
    tell. Written by the loop's selector."""
    head: HeadTimes | None
    """Of the request whose application is called just now. Written by the connection."""

    def clock(self) -> float:
        """Seconds, monotonic."""

    def wrap(self, app: ASGI3Application, /) -> ASGI3Application:
        """The application, as the exchanges of this loop are to call it."""
