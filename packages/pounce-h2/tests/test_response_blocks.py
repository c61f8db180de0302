"""Blocks without a table, undone by hpack."""

from __future__ import annotations

from hpack import Decoder
from hpack.table import HeaderTable
from hypothesis import given
from hypothesis import strategies as st

from pounce_h2.response_blocks import _INDEX_OF, render_block, render_request

names = st.text("abcdefghijklmnopqrstuvwxyz-_0123456789", min_size=1, max_size=40).map(str.encode)
values = st.binary(max_size=300).map(lambda data: bytes(byte for byte in data if 0x20 < byte != 0x7F))


@given(st.integers(200, 999), st.lists(st.tuples(names | st.sampled_from(sorted(_INDEX_OF)), values), max_size=10))
def test_what_goes_in_comes_out(status: int, fields: list[tuple[bytes, bytes]]) -> None:
    block = render_block(status, tuple(fields))
    decoder = Decoder()
    for _ in range(2):  # it is the same at any time, and leaves nothing behind
        assert [tuple(field) for field in decoder.decode(block, raw=True)] == [(b":status", b"%d" % status), *fields]
    assert len(decoder.header_table.dynamic_entries) == 0


def test_trailers_have_no_status() -> None:
    assert list(Decoder().decode(render_block(0, ((b"a", b"b"),)), raw=True)) == [(b"a", b"b")]


def test_names_are_where_the_static_table_has_them() -> None:
    for name, index in _INDEX_OF.items():
        assert HeaderTable.STATIC_TABLE[index - 1][0] == name
    for status in (200, 204, 206, 304, 400, 404, 500):
        assert len(render_block(status, ())) == 1


def test_secrets_are_never_indexed() -> None:
    ((_, _), cookie, plain) = Decoder().decode(render_block(200, ((b"set-cookie", b"a"), (b"x", b"b"))), raw=True)
    assert not cookie.indexable
    assert type(cookie).__name__ == "NeverIndexedHeaderTuple"
    assert type(plain).__name__ == "HeaderTuple"


def test_promises() -> None:
    fields = Decoder().decode(render_request(b"/a", b"https", b"x", ((b"b", b"c"),)), raw=True)
    assert dict(fields) == {b":method": b"GET", b":scheme": b"https", b":authority": b"x", b":path": b"/a", b"b": b"c"}
