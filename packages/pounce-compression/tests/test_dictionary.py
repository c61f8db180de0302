from __future__ import annotations

import base64
import hashlib
import threading

import pytest
from body_decoders import Decoder, decode
from compression_doubles import text

from pounce_compression import DictionaryStore, UrlPattern, dictionary
from pounce_compression.dictionary import parse_available_dictionary

CONTENT = text(50_000)
DIGEST = hashlib.sha256(CONTENT).digest()
CHANGED = CONTENT[:20_000] + b"something new" + CONTENT[20_100:]
FIELD = b":" + base64.b64encode(DIGEST) + b":"

FIELDS = [
    (FIELD, DIGEST),
    (b" " + FIELD + b" ", DIGEST),
    (FIELD + b";a=1", DIGEST),  # RFC 9651, 3.1.2: parameters that nobody knows mean nothing
    (FIELD.replace(b"=", b""), DIGEST),  # RFC 9651, 4.2.7: padding may be missing
    (b"", None),
    (b"::", None),
    (b":YQ==:", None),
    (FIELD[:-1], None),
    (FIELD[1:], None),
    (FIELD + b", " + FIELD, None),
    (b'"' + FIELD[1:-1] + b'"', None),
    (b":" + base64.urlsafe_b64encode(b"\xff" * 32) + b":", None),
    (b":" + base64.b64encode(DIGEST + b"x") + b":", None),
    (b":" + b"A" * 100_000 + b":", None),
]


@pytest.mark.parametrize(("field", "wanted"), FIELDS)
def test_available_dictionary(field: bytes, wanted: bytes | None) -> None:
    assert parse_available_dictionary(field) == wanted


def test_what_a_client_has_is_found_for_its_paths() -> None:
    store = DictionaryStore()
    made = store.add(CONTENT, "/app.*.js")
    assert made is not None
    assert made.digest == DIGEST
    assert store.find(FIELD, b"/app.2.js") is made
    assert store.find(FIELD, b"/other.js") is None
    assert store.find(None, b"/app.2.js") is None
    assert store.find(b":" + base64.b64encode(bytes(32)) + b":", b"/app.2.js") is None
    assert store.concerns(b"/app.3.js")
    assert not store.concerns(b"/other.js")


def test_the_form_of_dcz() -> None:
    """RFC 9842, 5: magic, length 32, SHA-256 of the dictionary, then zstd, of which the header is a skippable frame."""
    made = DictionaryStore().add(CONTENT, "/")
    assert made is not None
    packed = made.codec.compress(CHANGED)
    assert packed[:40] == b"\x5e\x2a\x4d\x18\x20\x00\x00\x00" + DIGEST
    assert packed[40:44] == b"\x28\xb5\x2f\xfd"
    assert len(packed) < len(CHANGED) / 100
    assert decode("zstd", packed[40:], CONTENT) == CHANGED
    assert made.codec.coding == "dcz"


def test_pieces_of_dcz_can_be_decoded_at_once() -> None:
    made = DictionaryStore().add(CONTENT, "/")
    assert made is not None
    for _ in range(2):  # the second uses the context of the first
        stream, decoder, known = made.codec.stream(), Decoder("zstd", CONTENT), b""
        header = stream.compress(b"") + stream.flush()
        for piece in (CHANGED[:100], CHANGED[100:30_000], CHANGED[30_000:]):
            packed = header + stream.compress(piece) + stream.flush()
            header = b""
            if not known:
                assert packed[8:40] == DIGEST
                packed = packed[40:]
            known += decoder.feed(packed)
            assert CHANGED.startswith(known)
        assert known == CHANGED
        decoder.feed(stream.finish())
        assert decoder.ended


def test_windows_are_within_what_clients_take() -> None:
    """RFC 9842, 5: 8 MiB at least. The window is in byte 5 of a streamed frame (RFC 8878, 3.1.1.1.2)."""
    store = DictionaryStore(largest=6 * 1024 * 1024, memory=64 * 1024 * 1024, level=1)
    for size in (1024, 6 * 1024 * 1024):
        made = store.add(text(size), "/")
        assert made is not None
        stream = made.codec.stream()
        packed = stream.compress(b"hello") + stream.flush()
        assert 10 + (packed[40 + 5] >> 3) <= 23


def test_bounds() -> None:
    store = DictionaryStore(largest=2000, memory=2 * dictionary._cost(2000, 3) + 1)
    assert store.add(b"x" * 1023, "/") is None
    assert store.add(b"x" * 2001, "/") is None
    made = [store.add(bytes([number]) * 2000, "/*") for number in range(4)]
    fields = [b":" + base64.b64encode(one.digest) + b":" for one in made if one is not None]
    assert [store.find(field, b"/") is not None for field in fields] == [False, False, True, True]
    assert DictionaryStore(memory=100_000).add(text(2000), "/") is None  # its tables are larger than that


def test_there_are_not_many_however_small_they_are() -> None:
    store = DictionaryStore(["/*"], memory=1024 * 1024 * 1024)
    for number in range(300):
        store.add(b"%4d" % number * 256, "/*")
    kept = store._by_digest.values()
    assert len(kept) == dictionary.MOST_DICTIONARIES
    assert store._used == sum(one.cost for one in kept)
    assert next(iter(kept)).content.startswith(b"  44")


def test_the_memory_that_is_counted_is_what_they_take() -> None:
    """Counted by their content alone, small ones took a hundred times as much."""
    memory = 4 * 1024 * 1024
    store = DictionaryStore(memory=memory)
    for number in range(100):
        made = store.add(text(1024 + number), "/")
        assert made is not None
        made.codec.compress(CHANGED)
        assert store._used == sum(one.cost for one in store._by_digest.values()) <= memory
    assert len(store._by_digest) == memory // dictionary._cost(1100, 3)


@pytest.mark.parametrize(("level", "times"), [(1, 3), (3, 3), (6, 9), (9, 13), (12, 25), (19, 37)])
def test_higher_levels_have_larger_tables(level: int, times: int) -> None:
    store = DictionaryStore(level=level, memory=times * 50_000 + 192 * 1024)
    assert store.fits(50_000)
    assert not store.fits(50_001)


def test_each_pattern_is_looked_at_once() -> None:
    store = DictionaryStore(["/app/*"])
    for number in range(50):
        store.add(text(2000 + number), "/app/*")
        store.add(text(3000 + number), f"/page/{number % 3}")
    assert sorted(one.text for one in store._kept_patterns) == ["/page/0", "/page/1", "/page/2"]
    assert store.concerns(b"/page/2")
    assert store.concerns(b"/app/x")
    assert not store.concerns(b"/page/3")


def test_content_of_another_pattern_keeps_its_tables() -> None:
    store = DictionaryStore()
    first, second = store.add(CONTENT, "/a"), store.add(CONTENT, "/b")
    assert first is not None
    assert second is not None
    assert second.codec is first.codec
    assert store._used == first.cost
    assert store.find(FIELD, b"/b") is second
    assert not store.concerns(b"/a")
    assert store.add(CONTENT, "/b") is second


def test_content_that_is_known_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, pattern = DictionaryStore(), UrlPattern("/")
    made = store.keep(CONTENT, pattern)
    monkeypatch.setattr(dictionary, "Dictionary", None)
    assert store.keep(bytes(bytearray(CONTENT)), pattern) is made


def test_threads_that_add_at_once_lose_nothing() -> None:
    store = DictionaryStore()
    start = threading.Barrier(4)

    def add(seed: int) -> None:
        start.wait(10)
        for number in range(10):
            store.add(b"%d %d " % (seed, number) * 300, "/")

    threads = [threading.Thread(target=add, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for seed in range(4):
        for number in range(10):
            digest = hashlib.sha256(b"%d %d " % (seed, number) * 300).digest()
            assert store.find(b":" + base64.b64encode(digest) + b":", b"/") is not None


def test_patterns_that_cannot_be_used_are_named() -> None:
    with pytest.raises(ValueError, match="not supported"):
        DictionaryStore(["/app.(js|css)"])


def test_without_zstd_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionary, "dictionaries_are_possible", lambda: False)
    with pytest.raises(LookupError, match="pip install"):
        DictionaryStore()
