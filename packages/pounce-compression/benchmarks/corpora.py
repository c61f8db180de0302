"""Bodies like those that servers send: the same on every machine, made from a seed."""

from __future__ import annotations

import json
import random
from typing import Final

__all__ = ["CORPORA", "make"]

_SYLLABLES: Final = (
    "an",
    "ber",
    "cor",
    "di",
    "el",
    "fa",
    "gon",
    "ha",
    "jo",
    "ka",
    "lo",
    "mer",
    "nu",
    "pra",
    "qui",
    "sta",
    "xo",
)


def make(kind: str, size: int) -> bytes:
    """``json``, ``html`` or ``js``, cut at ``size`` bytes."""
    source = random.Random(f"{kind}-{size}")
    lines: list[str] = []
    length = 0
    while length < size:
        lines.append(CORPORA[kind](source))
        length += len(lines[-1]) + 1
    return "\n".join(lines).encode()[:size]


def _word(source: random.Random) -> str:
    # Few words make up most of a text, as in any language (Zipf).
    number = int(source.paretovariate(0.7))
    word = random.Random(number % 20_000)
    return "".join(word.choice(_SYLLABLES) for _ in range(word.randint(1, 4)))


def _sentence(source: random.Random, words: int) -> str:
    return " ".join(_word(source) for _ in range(words)).capitalize() + "."


def _json(source: random.Random) -> str:
    row = {
        "id": f"{source.getrandbits(64):016x}",
        "name": f"{_word(source).title()} {_word(source).title()}",
        "email": f"{_word(source)}@{_word(source)}.example",
        "created_at": f"2026-{source.randint(1, 12):02}-{source.randint(1, 28):02}T{source.randint(0, 23):02}:15:02Z",
        "amount": round(source.expovariate(0.01), 2),
        "active": source.random() < 0.8,
        "tags": [_word(source) for _ in range(source.randint(0, 4))],
        "note": _sentence(source, source.randint(3, 12)),
    }
    return json.dumps(row) + ","


def _html(source: random.Random) -> str:
    title, link = _sentence(source, 4), f"/{_word(source)}/{_word(source)}-{source.randint(1, 9999)}"
    return (
        f'<article class="card card--{_word(source)}" id="item-{source.randint(1, 99_999)}">\n'
        f'  <h2><a href="{link}">{title}</a></h2>\n'
        f'  <p class="text-muted">{_sentence(source, source.randint(20, 60))}</p>\n'
        f'  <img src="{link}.webp" alt="{title}" width="{source.randint(100, 900)}" loading="lazy">\n</article>'
    )


def _js(source: random.Random) -> str:
    name, one, two = (f"{_word(source)}{_word(source).title()}" for _ in range(3))
    return (
        f"function {name}({one},{two}){{if(!{one}||{one}.{two}==={source.randint(0, 99)})return null;"
        f'const t={two}.map((e)=>e.{_word(source)}+"{_word(source)}");for(let r=0;r<t.length;r+=1)'
        f"{{this.{_word(source)}(t[r],{{{one}:{source.random():.3f}}})}}return t.{_word(source)}||{name}.default}}"
    )


CORPORA: Final = {"json": _json, "html": _html, "js": _js}
