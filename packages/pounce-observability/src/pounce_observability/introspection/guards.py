"""Who may ask: whoever reaches the address by itself, and no page in a browser that is made to.

A browser on this machine reaches loopback addresses for every page that it shows. What it asks across sites it marks
(Fetch Metadata, 2.3; RFC 6454, 7); and a name that an attacker points at 127.0.0.1 afterwards (DNS rebinding) makes its
page ours by origin, but is still what Host says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_observability.introspection.address import ServerAddress, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pounce_observability.introspection.settings import IntrospectionSettings

__all__ = ["Guards"]

_OWN_SITE: Final = frozenset({"same-origin", "none"})
"""``none``: the user has typed the address."""


class Guards:
    """Immutable; for every thread."""

    def __init__(self, settings: IntrospectionSettings) -> None:
        self._public = settings.introspection_public
        bind = ServerAddress.of(settings.introspection_bind).host if settings.introspection_bind else ""
        self._names = frozenset(_bare(name) for name in (*settings.introspection_host, bind) if name)

    def refusal(self, scope: Mapping[str, Any]) -> str:
        """Why a request is refused (403), or an empty text."""
        client, server = scope.get("client"), scope.get("server")
        if not self._public and client is not None and not is_loopback(str(client[0])):
            return "this machine alone may ask"
        fields = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if server is None or server[1] is None:  # a UNIX socket, which no browser reaches
            return ""
        host = fields.get(b"host", "")
        if not self._is_ours(host, str(server[0])):
            return f"it is not known by the name {host!r}; introspection_host can name it"
        if fields.get(b"sec-fetch-site", "none") not in _OWN_SITE:
            return "a page of another site may not ask"
        origin = fields.get(b"origin")
        if origin is not None and origin.partition("://")[2] != host:
            return "a page of another site may not ask"
        return ""

    def _is_ours(self, host: str, address: str) -> bool:
        name = _bare(host)
        return bool(name) and (is_loopback(name) or name == _bare(address) or name in self._names)


def _bare(host: str) -> str:
    """A host without its port, and an IPv6 address without its brackets."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") == 1 else name
