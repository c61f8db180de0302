"""What may not be shown: by the name that it has, and wherever its value turns up again.

This is care, not a promise: a secret under an innocent name that stands in no variable of the environment is shown. So
pages of errors are for development.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["HIDDEN", "Redaction", "is_secret_name"]

HIDDEN: Final = "\u2022\u2022\u2022\u2022\u2022\u2022"

SHORTEST_VALUE: Final = 6
"""Characters; shorter values are words that stand in half of all lines."""
MOST_VALUES: Final = 500
LONGEST_VALUE: Final = 10_000

_LONG_NAMES: Final = re.compile(
    "passw(?:or)?d|passwd|passphrase|secret|token|authori[sz]ation|credential|cookie|session|csrf|xsrf|bearer"
    "|api[_-]?key|access[_-]?key|private[_-]?key|signing|card[_-]?number"
    "|database[_-]?url|connection[_-]?string|broker[_-]?url|redis[_-]?url",
    re.IGNORECASE,
)
# These only as a whole word of a name, or "opinion" would be hidden.
_SHORT: Final = frozenset({"pwd", "auth", "salt", "pin", "ssn", "cvv", "cvc", "dsn", "jwt"})
_WORDS: Final = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+")
# Names that have to do with secrets and are none.
_INNOCENT: Final = re.compile(
    r"author(?!i[sz])|token(?:i[sz]e|s_used|_count|_type)|auth_?type|session_?maker|\Apinned|(?-i:\A(?:OLD)?PWD\Z)"
    r"|\A(?:XDG|DBUS|DESKTOP)_SESSION|\ASESSION_MANAGER\Z|\ASSH_AUTH_SOCK\Z|\ADESKTOP_SESSION",
    re.IGNORECASE,
)

# All of the following look at each character a bounded number of times: a message may be as long as a client likes.
# A name, and what may stand between it and its value: name = 'text', "name": "text", name: str = 'text', name=text.
_HEAD: Final = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]{1,64})['"]?[ ]{0,4}(?P<sign>:[ ]{0,4}[\w.\[\]| ]{1,40}=|[=:,])[ ]{0,4}"""
)
_QUOTED: Final = re.compile(
    r"""[bru]{0,2}(?P<quote>['"])(?:\\.|(?!(?P=quote))[^\\\n])+(?:(?P=quote)|\Z)""", re.IGNORECASE
)
_BARE: Final = re.compile(r"[^\s'\"&,;)\]}<>]+")
# RFC 3986, 3.2.1: userinfo, of which the part after the colon is a password.
_USERINFO: Final = re.compile(
    r"(?P<before>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://[^\s/:@'\"]{0,200}:)[^\s/@'\"]{1,500}@", re.IGNORECASE
)
_CREDENTIALS: Final = re.compile(r"\b(?P<before>(?:Basic|Bearer) )[A-Za-z0-9._~+/=-]{6,}")

LONGEST_NAME: Final = 200


def is_secret_name(name: str) -> bool:
    """Whether what has this name is hidden."""
    name = name[:LONGEST_NAME]
    if _INNOCENT.search(name):
        return False
    return bool(_LONG_NAMES.search(name)) or any(word.lower() in _SHORT for word in _WORDS.findall(name))


class Redaction:
    """What is to be hidden on one page. Values are added while the page is prepared; then it is asked for texts."""

    def __init__(self, secrets: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> None:
        """``secrets`` are values of settings that may never be shown; those in the environment are found by name."""
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for value in secrets:
            self.add(value)
        for name, value in (os.environ if environment is None else environment).items():
            if is_secret_name(name):
                self.add(value)

    def add(self, value: object) -> None:
        """Hide this text, or these bytes, wherever they stand. Other values, also proxies of texts, do nothing."""
        if not issubclass(type(value), (str, bytes, bytearray)):
            return  # asked by its type: an unbound proxy raises when it is asked for its class
        if isinstance(value, bytes | bytearray):
            value = bytes(value[:LONGEST_VALUE]).decode("latin-1")
        if not isinstance(value, str) or not SHORTEST_VALUE <= len(value) <= LONGEST_VALUE:
            return
        if len(self._values) < MOST_VALUES:
            self._values |= {value, repr(value)[1:-1], quote(value, safe="")}
            self._pattern = None

    def text(self, text: str) -> str:
        """A message, or the text of an object."""
        return _hide_named(self._known(text), bare=True)

    def source(self, text: str) -> str:
        """A line of a program: a name may be followed by another name, but not by a text."""
        return _hide_named(self._known(text), bare=False)

    def _known(self, text: str) -> str:
        if self._pattern is None:
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        text = self._pattern.sub(HIDDEN, text)
        text = _USERINFO.sub(rf"\g<before>{HIDDEN}@", text)
        return _CREDENTIALS.sub(rf"\g<before>{HIDDEN}", text)


def _hide_named(text: str, *, bare: bool) -> str:
    """Hide the values that stand after the names of secrets; ``bare`` also those without quotes, after ``=``."""
    parts: list[str] = []
    done = 0
    for head in _HEAD.finditer(text):
        if head.start() < done or not is_secret_name(head["name"]):
            continue
        if value := _QUOTED.match(text, head.end()):
            parts += text[done : value.start("quote") + 1], HIDDEN, value["quote"]
        elif bare and head["sign"] == "=" and (value := _BARE.match(text, head.end())):
            parts += text[done : head.end()], HIDDEN
        else:
            continue
        done = value.end()
    return "".join(parts) + text[done:]
