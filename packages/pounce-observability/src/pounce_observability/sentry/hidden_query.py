"""What Sentry is told of a request's query, without what is secret in it, and the names of requests without their host.

Sentry hides fields and cookies by their names; a query is one text to it, and goes as it came. Knows nothing of Sentry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pounce_observability.tracing.request_attributes import SIGNING_KEYS

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["QueryHiding", "hidden_query"]

_HIDDEN: Final = "[Filtered]"  # Sentry's own word for it
_WORDS: Final = ("apikey", "credential", "passwd", "password", "privatekey", "secret", "signature", "token")
_KEYS: Final = frozenset(key.lower() for key in SIGNING_KEYS)
_PART: Final = re.compile(r"([^&;=]+)=[^&;]*")
_QUERY: Final = re.compile(r"(?<=\?)[^\s?'\"<>]+")
"""Of a URL within a text."""


def hidden_query(text: str, names: Collection[str]) -> str:
    """The query with the values of secret keys hidden: those of ``names`` (in small letters), of signed links, and all
    that have a word such as ``token`` or ``password`` in them, in any case and percent-encoded or not.
    """

    def shown(part: re.Match[str]) -> str:
        key = unquote(part[1]).strip().lower()
        plain = key.replace("-", "").replace("_", "")
        secret = key in names or key in _KEYS or any(word in plain for word in _WORDS)
        return f"{part[1]}={_HIDDEN}" if secret else part[0]

    return _PART.sub(shown, text) if "=" in text else text


class QueryHiding:
    """A processor of the events of one request. Immutable."""

    __slots__ = ("_names", "_query")

    def __init__(self, query: str, names: Collection[str]) -> None:
        """``query`` is as it came, percent-encoded: Sentry decodes it, and then a value cannot be told from the next
        key any more.
        """
        self._query = query
        self._names = names

    def __call__(self, event: Any, _hint: Any) -> Any:
        """Hide it in the event, wherever the request is told of."""
        name = event.get("transaction")
        if isinstance(name, str) and (event.get("transaction_info") or {}).get("source") == "url":
            event["transaction"] = _without_host(name)
        request = event.get("request")
        if isinstance(request, dict):
            if request.get("query_string"):
                request["query_string"] = self._of(request["query_string"])
            _hide_in(request, "url", self._of)
            headers = request.get("headers")
            if isinstance(headers, dict):
                for field in [field for field in headers if str(field).lower() == "referer"]:
                    _hide_in(headers, field, lambda query: hidden_query(query, self._names))
        for error in (event.get("exception") or {}).get("values") or ():
            for frame in (error.get("stacktrace") or {}).get("frames") or ():
                if isinstance(frame.get("vars"), dict):
                    frame["vars"] = self._in_value(frame["vars"])
        return event

    def _in_value(self, value: Any) -> Any:
        """A local variable as Sentry shows it. Requests and URLs show their query, however they write it."""
        if isinstance(value, str):
            if self._query:
                value = value.replace(self._query, self._of(self._query))
            return _QUERY.sub(lambda found: hidden_query(found[0], self._names), value) if "?" in value else value
        if isinstance(value, dict):
            return {key: self._in_value(one) for key, one in value.items()}
        return [self._in_value(one) for one in value] if isinstance(value, list) else value

    def _of(self, told: Any) -> str:
        if isinstance(told, bytes):
            told = told.decode("latin-1")
        raw = self._query
        return hidden_query(raw if told in (raw, unquote(raw)) else str(told), self._names)


def _hide_in(where: dict[Any, Any], key: Any, hide: Any) -> None:
    url = where.get(key)
    if isinstance(url, str) and "?" in url:
        before, _, query = url.partition("?")
        where[key] = f"{before}?{hide(query)}"


def _without_host(name: str) -> str:
    """``/path`` of ``http://HOST/path``: the host is what a client likes to call this server."""
    scheme, found, rest = name.partition("://")
    if not found or "/" in scheme:
        return name
    return "/" + rest.partition("/")[2]
