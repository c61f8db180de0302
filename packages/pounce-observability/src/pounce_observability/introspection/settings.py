"""What can be set about introspection. The server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["IntrospectionSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectionSettings:
    """Whether a running server tells what it is doing, and to whom.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    introspection: bool = field(
        default=False,
        metadata={
            "help": "Tell what the running server is doing, on introspection_bind: its workers, connections and"
            " requests in flight. pounce top and pounce profile ask there.",
            "group": "Introspection",
        },
    )
    introspection_bind: str | None = field(
        default=None,
        metadata={
            "help": "Where introspection answers: unix:PATH, or HOST:PORT on a loopback address. Without it on a UNIX"
            " socket of the user's own, which pounce top finds by itself.",
            "metavar": "ADDRESS",
            "example": "127.0.0.1:8001",
            "group": "Introspection",
        },
    )
    introspection_public: bool = field(
        default=False,
        metadata={
            "help": "Let introspection_bind be reached from other machines. Whoever reaches it sees paths, clients and"
            " code, and needs no password.",
            "group": "Introspection",
        },
    )
    introspection_host: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "A name that introspection may be asked by, besides its address. Repeatable.",
            "metavar": "NAME",
            "group": "Introspection",
        },
    )

    def __post_init__(self) -> None:
        if self.introspection_bind is None:
            return
        # Here, because all settings are read at every start: what is off is not imported.
        from pounce_observability.introspection.address import ServerAddress, is_loopback

        try:
            address = ServerAddress.of(self.introspection_bind)
        except ValueError as error:
            raise ValueError(f"introspection_bind: {error}") from None
        if not address.path and not is_loopback(address.host) and not self.introspection_public:
            raise ValueError(
                f"introspection_bind: {self.introspection_bind!r} can be reached from other machines; name a loopback"
                " address or unix:PATH, or allow it with introspection_public"
            )
