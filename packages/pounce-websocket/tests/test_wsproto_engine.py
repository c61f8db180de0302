"""The engine for frames that are not small and whole: pieces as they come, and foreign errors made ours."""

from __future__ import annotations

import pathlib
import re

import pytest
from websocket_doubles import BINARY, CONTINUATION, TEXT, frame

import pounce_websocket
from pounce_websocket.errors import InvalidPayload, ProtocolViolation
from pounce_websocket.wsproto_engine import WsprotoEngine


def test_pieces_come_as_soon_as_they_are_there() -> None:
    engine = WsprotoEngine()
    wire = frame(TEXT, "aäb".encode(), fin=False)
    assert list(engine.receive_data(wire[:7])) == [("a", False)]
    assert list(engine.receive_data(wire[7:8])) == [("", False)]  # half a character
    assert list(engine.receive_data(wire[8:])) == [("äb", False)]
    assert list(engine.receive_data(frame(CONTINUATION, b"c"))) == [("c", True)]
    assert list(engine.receive_data(frame(BINARY, b"\xff"))) == [(b"\xff", True)]


def test_frames_that_come_whole_and_frames_that_do_not_are_of_the_same_message() -> None:
    engine = WsprotoEngine()
    assert list(engine.receive_data(frame(TEXT, "ä".encode()[:1], fin=False))) == [("", False)]
    assert engine.receive_frame(0x00, "ä".encode()[1:]) == ("ä", False)
    assert list(engine.receive_data(frame(CONTINUATION, b"b"))) == [("b", True)]
    assert engine.receive_frame(0x02, b"\xff") == (b"\xff", False)
    with pytest.raises(ProtocolViolation):
        engine.receive_frame(0x82, b"")


def test_errors_are_ours() -> None:
    with pytest.raises(InvalidPayload):
        list(WsprotoEngine().receive_data(frame(TEXT, b"\xff")))
    with pytest.raises(ProtocolViolation):
        list(WsprotoEngine().receive_data(frame(TEXT, b"a", rsv=4)))
    for first, payload in ((0x81, b"\xff"), (0x80, b"")):
        with pytest.raises(InvalidPayload if payload else ProtocolViolation):
            WsprotoEngine().receive_frame(first, payload)


def test_no_other_file_imports_wsproto() -> None:
    package = pathlib.Path(pounce_websocket.__file__).parent
    importers = {
        path.name
        for path in package.rglob("*.py")
        if re.search(r"^\s*(from|import) wsproto", path.read_text(), re.MULTILINE)
    }
    assert importers == {"wsproto_engine.py"}
