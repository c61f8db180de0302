"""What can be set about request ids that come and go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["RequestIdSettings"]

# RFC 9110, 5.1 and 5.6.2: field-name = token
_FIELD_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdSettings:
    """In which field request ids come and go.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    request_id_header: str = field(
        default="",
        metadata={
            "help": "The field that shows the id of a request in its response, such as X-Request-ID. Of clients in"
            " --request-id-trust it is also the field in which the id comes."
        },
    )
    request_id_trust: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Whose request ids are taken over: addresses, networks, unix, *. They are those that connect, not"
            " those that a proxy speaks of."
        },
    )

    def __post_init__(self) -> None:
        if self.request_id_header and not re.fullmatch(_FIELD_NAME, self.request_id_header):
            raise ValueError(f"request_id_header: {self.request_id_header!r} is not the name of a header field")
        if not self.request_id_trust:
            return
        # Here, because all settings are read at every start: what is off is not imported.
        from pounce_middleware.trusted_networks import TrustedNetworks

        try:
            TrustedNetworks(self.request_id_trust)
        except ValueError as error:
            raise ValueError(f"request_id_trust: {error}") from None
        if not self.request_id_header:
            raise ValueError("request_id_trust: without request_id_header there is no field to take ids from")
