"""What can be set about the hosts that are served."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AllowedHostsSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHostsSettings:
    """Which hosts are served.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Hosts that are served, such as example.com or *.example.com for all below it; ports do not count."
            " Others are answered 400, over HTTP/2 and HTTP/3 421. Without it all are served."
        },
    )

    def __post_init__(self) -> None:
        if not self.allowed_hosts:
            return
        # Here, because all settings are read at every start: what is off is not imported.
        from pounce_middleware.host_table import HostTable

        try:
            HostTable(self.allowed_hosts)
        except ValueError as error:
            raise ValueError(f"allowed_hosts: {error}") from None
