"""How a certificate is written in a setting: as a text, or as a table in the file.

The text is ``CERTFILE`` or ``CERTFILE,KEYFILE``. A comma, because a colon is in every path of Windows. A path that has
one, a password or server names take the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pounce_workers.tls_settings import TlsCertificate

from .settings import nearest

__all__ = ["CERTIFICATES_IN_WORDS", "certificates_of", "shown_certificates"]

CERTIFICATES_IN_WORDS: Final = "CERTFILE or CERTFILE,KEYFILE; in a file also a table [[tls.certificates]]"
"""What is allowed, for an error and for the reference."""

_TEXTS: Final = ("certfile", "keyfile", "keyfile_password")
_KEYS: Final = (*_TEXTS, "names")


def certificates_of(value: object) -> tuple[TlsCertificate, ...]:
    """The certificates that a text, a table, or several of them stand for.

    Raises:
        ValueError: they stand for none; no password is part of the message.
    """
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(map(_certificate, items))


def shown_certificates(value: object) -> str:
    """What was given, for an error. Values in a table are left out: any of them may be a password."""
    items = value if isinstance(value, list | tuple) else [value]
    return ", ".join(
        f"a table of {', '.join(map(str, item)) or 'nothing'}" if isinstance(item, Mapping) else repr(item)
        for item in items
    )


def _certificate(item: object) -> TlsCertificate:
    if isinstance(item, TlsCertificate):
        return item
    if isinstance(item, Mapping):
        return _from_table(item)
    parts = [part.strip() for part in item.split(",")] if isinstance(item, str) and "\0" not in item else []
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise ValueError(CERTIFICATES_IN_WORDS)
    return TlsCertificate(certfile=parts[0], keyfile=parts[1] if len(parts) == 2 else None)


def _from_table(table: Mapping[object, object]) -> TlsCertificate:
    values = {str(written).replace("-", "_"): value for written, value in table.items()}
    for key in values:
        if key not in _KEYS:
            raise _wrong(
                f"a table has no {key!r}", f", did you mean {nearest(key, _KEYS)!r}?" if nearest(key, _KEYS) else ""
            )
    texts = {key: values[key] for key in _TEXTS if key in values}
    for key, value in texts.items():
        if not isinstance(value, str) or not value or "\0" in value:
            raise _wrong(f"{key} is a text")
    if "certfile" not in texts:
        raise _wrong("a table has a certfile")
    names = values.get("names", ())
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise _wrong("names is a list of texts")
    try:
        return TlsCertificate(names=tuple(names), **{key: str(value) for key, value in texts.items()})
    except ValueError as error:
        raise _wrong(str(error)) from None


def _wrong(problem: str, advice: str = "") -> ValueError:
    return ValueError(f"{CERTIFICATES_IN_WORDS}; {problem}{advice}")
