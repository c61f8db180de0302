"""What can be set about the rate limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pounce_middleware.path_set import PathSet

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RateLimitSettings"]

FAILURES: Final = ("allow", "refuse")
LARGEST_BURST: Final = 10_000_000
SCHEMES: Final = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings:
    """How many requests each client may send.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    rate_limit: str | None = field(
        default=None,
        metadata={"help": "Requests of each client, such as 100/s, 1000/min or 10/30s; beyond it 429."}
        | {"metavar": "REQUESTS/UNIT", "example": "100/s"},
    )
    rate_limit_burst: int | None = field(
        default=None,
        metadata={"help": "Requests that a client may send at once; default is those of one unit.", "unit": "requests"}
        | {"minimum": 1, "maximum": LARGEST_BURST},
    )
    rate_limit_key: str = field(
        default="client",
        metadata={
            "help": "What is counted: client is its address; else a header field, or a function of the scope, written"
            " module:function.",
        },
    )
    rate_limit_ipv6_prefix: int = field(
        default=64,
        metadata={"help": "Bits of an IPv6 address that make a client.", "unit": "bits", "minimum": 16, "maximum": 128},
    )
    rate_limit_exempt_path: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Path that is not counted; /static/* for all below one. May be repeated.", "metavar": "PATH"},
    )
    rate_limit_exempt_network: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Address or network that is not counted, or unix. May be repeated.", "metavar": "NETWORK"},
    )
    rate_limit_fields: bool = field(
        default=False,
        metadata={"help": "Say in every answer, not in 429 only, how much is left (RateLimit, RateLimit-Policy)."},
    )
    rate_limit_clients: int = field(
        default=250_000,
        metadata={
            "help": "Clients that may be short of requests at once, at 16 bytes each; beyond it some begin with less.",
            "unit": "clients",
            "minimum": 1024,
            "maximum": 100_000_000,
        },
    )
    rate_limit_store: str | None = field(
        default=None,
        metadata={
            "help": "Redis or Valkey that counts for several machines: redis://, rediss:// or unix://.",
            "metavar": "URL",
            "example": "redis://localhost:6379/0",
            "secret": True,
        },
    )
    rate_limit_store_failure: Literal["allow", "refuse"] = field(
        default="allow",
        metadata={
            "help": "While the store is away: let requests through uncounted and say so, or answer 503.",
            "choices": FAILURES,
        },
    )
    rate_limit_store_timeout: float = field(
        default=0.25,
        metadata={"help": "Longest time for a decision of the store.", "unit": "seconds", "minimum": 0.001},
    )
    rate_limit_store_prefix: str = field(
        default="pounce:rate:",
        metadata={"help": "Begins all keys in the store; servers with the same share their limits."},
    )

    def __post_init__(self) -> None:
        if self.rate_limit is not None:
            # Here, because all settings are read at every start: what is off is not imported.
            from pounce_middleware.rate import parse_rate

            _named("rate_limit", parse_rate, self.rate_limit)
        _within("rate_limit_burst", 1 if self.rate_limit_burst is None else self.rate_limit_burst, 1, LARGEST_BURST)
        _within("rate_limit_ipv6_prefix", self.rate_limit_ipv6_prefix, 16, 128)
        _within("rate_limit_clients", self.rate_limit_clients, 1024, 100_000_000)
        if not self.rate_limit_key:
            raise ValueError("rate_limit_key: nothing is named")
        _named("rate_limit_exempt_path", PathSet, self.rate_limit_exempt_path)
        if self.rate_limit_exempt_network:
            from pounce_middleware.trusted_networks import TrustedNetworks

            _named("rate_limit_exempt_network", TrustedNetworks, self.rate_limit_exempt_network)
        if self.rate_limit_store is not None and not self.rate_limit_store.startswith(SCHEMES):
            raise ValueError(f"rate_limit_store: the address does not begin with {', '.join(SCHEMES)}")
        if self.rate_limit_store_failure not in FAILURES:
            raise ValueError(f"rate_limit_store_failure: {self.rate_limit_store_failure!r} is not allow or refuse")
        if not self.rate_limit_store_timeout > 0:
            raise ValueError(f"rate_limit_store_timeout: {self.rate_limit_store_timeout!r} is not above 0 seconds")


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name}: {value!r} is not within {least} and {most}")


def _named(name: str, check: Callable[[Any], object], value: object) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
