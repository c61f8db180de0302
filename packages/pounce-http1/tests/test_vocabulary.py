"""What heads are looked up in: right, and nobody else's."""

from __future__ import annotations

from pounce_http1.field_lines import DECISIVE_NAMES
from pounce_http1.grammar import FIELD_LINES, TARGET_BYTES, TOKEN
from pounce_http1.head import METHODS
from pounce_http1.vocabulary import Names, Vocabulary

WORDS = Vocabulary()


def test_names() -> None:
    assert all(lower == name.lower() for name, lower in WORDS.names.items())
    assert all(TOKEN.fullmatch(name) and not name.endswith(b"-") for name in WORDS.names)
    assert {b"User-Agent", b"user-agent", b"DNT", b"Dnt", b"Sec-Fetch-Mode", b"Host"} <= set(WORDS.names)
    assert set(WORDS.names.values()) > DECISIVE_NAMES
    assert WORDS.noted == DECISIVE_NAMES | {b""}


def test_names_that_are_not_known_are_lower_cased_and_not_kept() -> None:
    known = len(WORDS.names)
    assert WORDS.names[b"X-No-Such"] == b"x-no-such"
    assert len(WORDS.names) == known


def test_each_is_a_copy_that_shares_nothing_that_is_counted() -> None:
    other = Vocabulary()
    assert (other.names, other.methods, other.noted) == (WORDS.names, WORDS.methods, WORDS.noted)
    assert WORDS.target_bytes == other.target_bytes == TARGET_BYTES
    shared = {id(part) for part in _parts(WORDS)} & {id(part) for part in _parts(other)}
    assert not shared
    assert WORDS.scan.__self__ is not other.scan.__self__  # type: ignore[attr-defined]
    assert WORDS.scan(b"A: b\r\nc") == FIELD_LINES.findall(b"A: b\r\nc") == [(b"A", b"b"), (b"", b"")]


def _parts(words: Vocabulary) -> list[object]:
    """Objects with a count of references; those of one byte and none exist once, and are not counted."""
    keys = [part for mapping in (words.names, words.methods) for part in mapping]
    values = [*words.names.values(), *words.noted]
    large = [part for part in (*keys, *values) if len(part) > 1]
    return [*large, words.names, words.methods, words.noted, words.target_bytes, words.plain]


def test_methods_are_tokens_without_a_target_form_of_their_own() -> None:
    assert all(TOKEN.fullmatch(method) and method.decode() == name for method, name in METHODS.items())
    assert b"CONNECT" not in METHODS
    assert isinstance(WORDS.names, Names)
