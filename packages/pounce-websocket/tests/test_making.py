"""A large message is whole after its turns, and each of them makes so much and no more."""

from __future__ import annotations

import pytest

from pounce_websocket.deflate import Deflater, Inflater
from pounce_websocket.errors import InvalidPayload
from pounce_websocket.extension_offers import DeflateParameters
from pounce_websocket.making import TURN_BYTES, Making, as_text
from pounce_websocket.pile import Pile

TEXT = "€uro " * 100_000
PLAIN = DeflateParameters()


def made(data: bytes, *, compressed: bool, text: bool, cut: int = 5000) -> tuple[str | bytes, int]:
    """What it becomes, and in how many turns."""
    pile = Pile()
    for start in range(0, len(data), cut):
        pile.add(data[start : start + cut])
    making = Making(pile, Inflater(PLAIN, 1 << 20) if compressed else None, text=text)
    turns = 1
    while not making.go_on():
        assert TURN_BYTES <= making.made < 1.5 * TURN_BYTES
        turns += 1
    return making.content(), turns


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("cut", [1, 5000])
def test_a_message(compressed: bool, text: bool, cut: int) -> None:
    wire = TEXT.encode()
    turns = len(wire) / TURN_BYTES
    data = Deflater(PLAIN).message(wire) if compressed else wire
    content, taken = made(data, compressed=compressed, text=text, cut=cut)
    assert content == (TEXT if text else wire)
    assert turns - 1 < taken <= turns + 1


def test_what_becomes_nothing_takes_its_turns() -> None:
    content, turns = made(b"\x00\x00\x00\xff\xff" * 100_000 + b"\x00", compressed=True, text=True)
    assert content == ""
    assert turns == 4


@pytest.mark.parametrize("end", [b"\xff", b"\xe2\x82"])
@pytest.mark.parametrize("compressed", [True, False])
def test_text_that_is_wrong_at_its_end(end: bytes, compressed: bool) -> None:
    wire = TEXT.encode() + end
    with pytest.raises(InvalidPayload):
        made(Deflater(PLAIN).message(wire) if compressed else wire, compressed=compressed, text=True)
    with pytest.raises(InvalidPayload):
        as_text(end)
