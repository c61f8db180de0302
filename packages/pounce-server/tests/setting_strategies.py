"""Hypothesis strategies: allowed values of settings, in the form in which a configuration holds them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pounce.middleware_values import MiddlewareUse
from pounce.settings import Kind, Setting
from pounce_workers.tls_settings import TlsCertificate

__all__ = ["values_of"]

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_LATIN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=10)
_HEADERS = st.tuples(st.sampled_from(["X-A", "Cache-Control", "x"]), _LATIN)
_OPTIONS = st.dictionaries(
    st.sampled_from(["a", "deep", "max_size"]),
    st.one_of(st.booleans(), st.integers(-(2**62), 2**62), _TEXT, st.lists(_TEXT, max_size=3), st.floats(-1e9, 1e9)),
    max_size=3,
)
_CERTIFICATES = st.builds(
    TlsCertificate,
    certfile=_TEXT.filter(bool),
    keyfile=st.none() | _TEXT.filter(bool),
    keyfile_password=st.none() | _TEXT.filter(bool),
    names=st.sampled_from([(), ("example.org",), ("a.example", "*.b.example")]),
)
_MIDDLEWARE = st.builds(
    MiddlewareUse, use=st.sampled_from(["m:C", "a.b:C.d"]), options=_OPTIONS.map(lambda one: tuple(one.items()))
)


def values_of(setting: Setting) -> st.SearchStrategy[Any]:
    """Values that the kind allows; rules that only the settings class knows are not looked at."""
    low = -(10**6) if setting.minimum is None else setting.minimum
    high = 10**12 if setting.maximum is None else setting.maximum
    kinds: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.TEXT: _TEXT,
        Kind.WHOLE: st.integers(int(low), int(high)),
        Kind.NUMBER: st.floats(low, high, allow_nan=False, allow_infinity=False),
        Kind.SWITCH: st.booleans(),
        Kind.CHOICE: st.sampled_from(setting.choices or ("x",)),
        Kind.TEXTS: st.lists(_TEXT.filter(bool), max_size=3).map(tuple),
        Kind.HEADERS: st.lists(_HEADERS, max_size=3).map(tuple),
        Kind.PLACES: st.lists(st.sampled_from([":80", "[::1]:443", "unix:/run/a b", "fd://3"]), max_size=3).map(tuple),
        Kind.PERMISSIONS: st.sampled_from(["660", "000", "777"]),
        Kind.CERTIFICATES: st.lists(_CERTIFICATES, max_size=2).map(tuple),
        Kind.MIDDLEWARE: st.lists(_MIDDLEWARE, max_size=2).map(tuple),
        Kind.APPLICATION: st.just("main:app"),
    }
    values = kinds[setting.kind]
    return st.none() | values if setting.optional else values
