"""What can be set about the fields with which proxies tell of their clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["PARTS", "ProxyHeaderSettings"]

FAMILIES: Final = ("x-forwarded", "forwarded")
PARTS: Final = ("for", "proto", "host", "port", "prefix")
LOOPBACK: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeaderSettings:
    """Which proxies are believed, and what.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    proxy_headers: bool | None = field(
        default=None,
        metadata={
            "help": "Take the client's address and scheme from what trusted proxies say of it. On as soon as"
            " --forwarded-allow-ips is given."
        },
    )
    forwarded_allow_ips: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "The proxies that are trusted: addresses, networks such as 10.0.0.0/8, unix for UNIX sockets, * for"
            " whoever connects. With --proxy-headers alone: 127.0.0.1 and ::1."
        },
    )
    forwarded_family: Literal["x-forwarded", "forwarded"] = field(
        default="x-forwarded",
        metadata={
            "help": "The fields that the proxies write: X-Forwarded-For and so on, or Forwarded (RFC 7239). The others"
            " are not believed.",
            "choices": FAMILIES,
        },
    )
    forwarded_parts: tuple[str, ...] = field(
        default=("for", "proto"),
        metadata={
            "help": "What is believed: for, proto, host, port, prefix. Name only what every trusted proxy sets or"
            " removes; whatever it passes on as it came, its clients can write."
        },
    )
    forwarded_hops: int | None = field(
        default=None,
        metadata={
            "help": "How many proxies a request passes, where their addresses are not known: the client is the one of"
            " which the last but so many speaks. A shorter chain is not believed.",
            "unit": "proxies",
            "minimum": 1,
            "maximum": 32,
        },
    )
    forwarded_strip: bool = field(
        default=False,
        metadata={"help": "Remove such fields where they are not believed, so that the application cannot be misled."},
    )

    def __post_init__(self) -> None:
        if self.forwarded_allow_ips:
            # Here, because all settings are read at every start: what is off is not imported.
            from pounce_middleware.trusted_networks import TrustedNetworks

            try:
                TrustedNetworks(self.forwarded_allow_ips)
            except ValueError as error:
                raise ValueError(f"forwarded_allow_ips: {error}") from None
        if self.forwarded_family not in FAMILIES:
            raise ValueError(f"forwarded_family: {self.forwarded_family!r} is not one of {', '.join(FAMILIES)}")
        for part in self.forwarded_parts:
            if part not in PARTS:
                raise ValueError(f"forwarded_parts: {part!r} is not one of {', '.join(PARTS)}")
        if self.forwarded_hops is not None and not 1 <= self.forwarded_hops <= 32:
            raise ValueError(f"forwarded_hops: {self.forwarded_hops!r} is not within 1 and 32")

    @property
    def proxy_headers_on(self) -> bool:
        """Whether the middleware is wanted."""
        return bool(self.forwarded_allow_ips) if self.proxy_headers is None else self.proxy_headers

    @property
    def trusted(self) -> tuple[str, ...]:
        """The members of the trusted networks."""
        return self.forwarded_allow_ips or LOOPBACK
