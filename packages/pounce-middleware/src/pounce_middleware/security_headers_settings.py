"""What can be set about response fields that make browsers careful."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CSP", "FRAMES", "Pair", "SecurityHeadersSettings"]

Pair = tuple[bytes, bytes]

CSP: Final = b"content-security-policy"
FRAMES: Final = b"x-frame-options"

_FRAME_ANCESTORS: Final = r"(?:\A|;)\s*frame-ancestors\s+([^;]*)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityHeadersSettings:
    """Which fields are added, unless the application has set them. An empty text leaves one out.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    security_headers: bool = field(
        default=False, metadata={"help": "Add fields to responses that make browsers careful; see the next options."}
    )
    security_hsts_max_age: int = field(
        default=31_536_000,
        metadata={
            "help": "Strict-Transport-Security, over https: how long browsers use nothing but https for this host; 0"
            " leaves it out.",
            "unit": "seconds",
            "minimum": 0,
        },
    )
    security_hsts_subdomains: bool = field(
        default=False, metadata={"help": "Strict-Transport-Security also for all hosts below this one."}
    )
    security_hsts_preload: bool = field(
        default=False, metadata={"help": "Let browsers list this host as one for https only; hard to take back."}
    )
    security_csp: str = field(
        default="frame-ancestors 'none'",
        metadata={"help": "Content-Security-Policy. Without frame-ancestors in it, other sites may show the pages."},
    )
    security_referrer_policy: str = field(
        default="strict-origin-when-cross-origin", metadata={"help": "Referrer-Policy."}
    )
    security_opener_policy: str = field(
        default="same-origin-allow-popups", metadata={"help": "Cross-Origin-Opener-Policy, over https."}
    )
    security_permissions_policy: str = field(default="", metadata={"help": "Permissions-Policy."})

    def __post_init__(self) -> None:
        for name in ("csp", "referrer_policy", "opener_policy", "permissions_policy"):
            value = getattr(self, f"security_{name}")
            if not value.isascii() or not value.isprintable() or value != value.strip(" "):
                raise ValueError(f"security_{name}: {value!r} is not the value of a header field")
        if self.security_hsts_max_age < 0:
            raise ValueError(f"security_hsts_max_age: {self.security_hsts_max_age!r} is below 0 seconds")
        # What the list of browsers asks for (hstspreload.org): a year, and all hosts below.
        if self.security_hsts_preload and not (
            self.security_hsts_subdomains and self.security_hsts_max_age >= 31_536_000
        ):
            raise ValueError("security_hsts_preload: needs security_hsts_subdomains, and a max_age of a year")

    def fields(self, *, https: bool) -> tuple[Pair, ...]:
        """The fields of a response."""
        named = {
            b"x-content-type-options": "nosniff",
            b"referrer-policy": self.security_referrer_policy,
            CSP: self.security_csp,
            FRAMES: _frame_options(self.security_csp),
            b"permissions-policy": self.security_permissions_policy,
        }
        if https:
            named[b"cross-origin-opener-policy"] = self.security_opener_policy
            named[b"strict-transport-security"] = self._hsts()
        return tuple((name, value.encode("ascii")) for name, value in named.items() if value)

    def _hsts(self) -> str:
        if not self.security_hsts_max_age:
            return ""
        value = f"max-age={self.security_hsts_max_age}"
        if self.security_hsts_subdomains:
            value += "; includeSubDomains"
        return value + "; preload" if self.security_hsts_preload else value


def _frame_options(policy: str) -> str:
    """What frame-ancestors is called where browsers do not know it; only these two have a name there."""
    found = re.search(_FRAME_ANCESTORS, policy, re.IGNORECASE)
    return {"'none'": "DENY", "'self'": "SAMEORIGIN"}.get(found[1].strip() if found else "", "")
