"""The grammar of extensions, and what is agreed on for each offer of permessage-deflate."""

from __future__ import annotations

import pytest

from pounce_websocket.extension_offers import DeflateParameters, choose_deflate, parse_extension_offers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([b""], []),
        ([b" , ,"], []),
        ([b"a"], [(b"a", ())]),
        ([b"a,b"], [(b"a", ()), (b"b", ())]),
        ([b"A ; X = Y"], [(b"a", ((b"x", b"Y"),))]),
        ([b'a;x;y=1;z="2"'], [(b"a", ((b"x", None), (b"y", b"1"), (b"z", b"2")))]),
        ([b"a; x", b"b,\tc"], [(b"a", ((b"x", None),)), (b"b", ()), (b"c", ())]),
    ],
)
def test_what_can_be_read(values: list[bytes], expected: list[object]) -> None:
    assert [tuple(offer) for offer in parse_extension_offers(values)] == expected


@pytest.mark.parametrize(
    "value",
    [
        b"a b",
        b";",
        b"a;",
        b"a;;x",
        b"a; =1",
        b"a; x=",
        b'a; x="',
        b'a; x="1 2"',
        b'a; x=""',
        b"a=b",
        b"\xe4",
        b"a; x=\xff",
        b'a"',
        b"a; x y",
        b"(a)",
        b"a; x=1=2",
    ],
)
def test_what_cannot(value: bytes) -> None:
    with pytest.raises(ValueError, match="extension"):
        parse_extension_offers([value])


def test_a_long_field_takes_no_longer_than_its_length() -> None:
    value = b"a; " + b"x" * 50_000 + b" " * 50_000 + b"\xff"
    with pytest.raises(ValueError, match="extension"):
        parse_extension_offers([value])


AGREED: dict[bytes, bytes | None] = {
    b"permessage-deflate": b"permessage-deflate",
    b"PerMessage-Deflate": b"permessage-deflate",
    b"x-other": None,
    b"x-webkit-deflate-frame": None,
    # RFC 7692, 7.1.1: what is asked of the server is promised, what the client offers is taken.
    b"permessage-deflate; server_no_context_takeover": b"permessage-deflate; server_no_context_takeover",
    b"permessage-deflate; client_no_context_takeover": b"permessage-deflate; client_no_context_takeover",
    b"permessage-deflate; client_no_context_takeover=1": None,
    b"permessage-deflate; server_no_context_takeover=true": None,
    # 7.1.2: windows.
    b"permessage-deflate; client_max_window_bits": b"permessage-deflate; client_max_window_bits=12",
    b"permessage-deflate; client_max_window_bits=15": b"permessage-deflate; client_max_window_bits=12",
    b"permessage-deflate; client_max_window_bits=10": b"permessage-deflate; client_max_window_bits=10",
    b"permessage-deflate; client_max_window_bits=8": b"permessage-deflate; client_max_window_bits=8",
    b'permessage-deflate; client_max_window_bits="9"': b"permessage-deflate; client_max_window_bits=9",
    b"permessage-deflate; server_max_window_bits=15": b"permessage-deflate; server_max_window_bits=12",
    b"permessage-deflate; server_max_window_bits=9": b"permessage-deflate; server_max_window_bits=9",
    b"permessage-deflate; server_max_window_bits=8": None,
    b"permessage-deflate; server_max_window_bits": None,
    **{b"permessage-deflate; client_max_window_bits=" + bits: None for bits in (b"7", b"16", b"08", b"1", b"x")},
    **{b"permessage-deflate; server_max_window_bits=" + bits: None for bits in (b"7", b"16", b"09", b"-9")},
    b"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10": None,
    b"permessage-deflate; mux": None,
    # 7.1.3: the first offer that can be kept to.
    b"permessage-deflate; server_max_window_bits=8, permessage-deflate": b"permessage-deflate",
    b"permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate": (
        b"permessage-deflate; client_max_window_bits=12; server_max_window_bits=10"
    ),
}


@pytest.mark.parametrize("offer", AGREED)
def test_what_is_agreed_on(offer: bytes) -> None:
    chosen = choose_deflate(parse_extension_offers([offer]))
    assert (None if chosen is None else chosen.response) == AGREED[offer]


def test_all_four_parameters() -> None:
    offer = (
        b"permessage-deflate; client_max_window_bits=11; server_max_window_bits=10;"
        b" client_no_context_takeover; server_no_context_takeover"
    )
    assert choose_deflate(parse_extension_offers([offer])) == DeflateParameters(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_window_bits=10,
        client_window_bits=11,
        response=b"permessage-deflate; client_max_window_bits=11; server_max_window_bits=10;"
        b" client_no_context_takeover; server_no_context_takeover",
    )
