"""Blocks without a dynamic table, undone by the library's decoder."""

from __future__ import annotations

from h3_doubles import frames_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_h3.qpack import QpackDecoder
from pounce_h3.response_blocks import _FIELDS, _NAMES, _STATUSES, render_frame

names = st.text("abcdefghijklmnopqrstuvwxyz-_0123456789", min_size=1, max_size=40).map(str.encode)
values = st.binary(max_size=300).map(lambda data: bytes(byte for byte in data if 0x20 < byte < 0x7F))
# Not above that: qh3's decoder takes no other text than UTF-8.


def undone(status: int, fields: tuple[tuple[bytes, bytes], ...]) -> list[tuple[bytes, bytes]]:
    ((kind, block),) = frames_of(render_frame(status, fields))
    assert kind == 1
    decoder = QpackDecoder()
    found = decoder.fields(0, block)
    assert found is not None
    assert decoder.take_decoder_stream() == b"", "it leaves nothing behind"
    return found


@given(
    st.integers(200, 999),
    st.lists(
        st.one_of(
            st.tuples(st.one_of(names, st.sampled_from(sorted(_NAMES))), values), st.sampled_from(sorted(_FIELDS))
        ),
        max_size=10,
    ),
)
@settings(deadline=None)  # the first loads a library
def test_what_goes_in_comes_out(status: int, fields: list[tuple[bytes, bytes]]) -> None:
    assert undone(status, tuple(fields)) == [(b":status", b"%d" % status), *fields]


def test_every_entry_of_the_static_table_that_is_used() -> None:
    for status in _STATUSES:
        assert undone(status, ()) == [(b":status", b"%d" % status)]
        assert len(render_frame(status, ())) <= 6
    for field in _FIELDS:
        assert undone(0, (field,)) == [field]
        assert len(render_frame(0, (field,))) <= 6
    for name in _NAMES:
        assert undone(0, ((name, b"something else"),)) == [(name, b"something else")]


def test_secrets_are_never_indexed() -> None:
    """The bit N (RFC 9204, 4.5.4)."""
    assert render_frame(0, ((b"set-cookie", b"a"),))[4] == 0x7E
    assert render_frame(0, ((b"location", b"a"),))[4] == 0x5C
    assert render_frame(0, ((b"cookie", b"a"),))[4] == 0x36
    assert render_frame(0, ((b"cookix", b"a"),))[4] == 0x26


def test_any_octet_that_a_value_may_have_is_sent() -> None:
    assert render_frame(0, ((b"x", b"\xe4\xff"),)).endswith(b"\x21x\x02\xe4\xff")
