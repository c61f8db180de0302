"""Accept-Encoding: whatever the field says, there is an answer.

- Nothing is raised.
- The answer is one of those offered, ``identity``, or None; never one that the client refuses.
- Weights are between 0 and 1000; written as a field, they are read as the same.
- Text and bytes mean the same.
"""

from __future__ import annotations

from pounce_compression import accepted_codings, negotiate
from tests.fuzz.target import Target

__all__ = ["NEGOTIATION"]

AVAILABLE = ("zstd", "br", "gzip")


def _check(data: bytes) -> None:
    answer = negotiate(data, AVAILABLE)
    weights = accepted_codings(data)
    assert negotiate(data.decode("latin-1"), AVAILABLE) == answer
    assert all(0 <= weight <= 1000 for weight in weights.values())
    assert all(name == name.lower() and name.isascii() for name in weights)
    assert answer is None or answer in (*AVAILABLE, "identity")
    if answer is None:
        assert weights.get("identity", weights.get("*", 1)) == 0
    elif answer == "identity":
        assert weights.get("identity", weights.get("*", 1)) > 0
    else:
        assert weights.get(answer, weights.get("*", 0)) > 0
    rendered = ",".join(f"{name};q={weight / 1000:.3f}" for name, weight in weights.items())
    if len(rendered) <= 2048:
        assert accepted_codings(rendered) == weights


NEGOTIATION = Target(
    name="accept-encoding",
    promises="nothing is raised; nothing refused is chosen; written and read again it says the same",
    check=_check,
    seeds=(
        b"gzip, deflate, br, zstd",
        b"gzip;q=1.0, identity;q=0.5, *;q=0",
        b"*;q=0",
        b"identity;q=0",
        b"br;q=0.001,gzip;q=0.002",
        b"x-gzip ; Q=1",
        b"",
        b"gzip;q=0.,*",
        b"gzip;q=0,gzip;q=1",
        b"dcz, dcb;q=0.9",
    ),
    dictionary=(b"gzip", b"br", b"zstd", b"identity", b"*", b";q=", b";q=0", b";q=0.5", b";q=1", b",", b"x-gzip", b" "),
    modules=("pounce_compression",),
    rounds=1500,
    shapes=(
        lambda size: b"a," * (size // 2),
        lambda size: b"gzip;q=0" + b" " * size + b"x",
        lambda size: b"gzip;q=0." + b"0" * size,
        lambda size: b"," * size,
    ),
)
