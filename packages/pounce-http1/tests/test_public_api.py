"""The public surface is a promise."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import pounce_http1
import pounce_http1.testing

PUBLIC = [
    "LAST_CHUNK",
    "BodyChunk",
    "BodyError",
    "ChunkExtensionTooLong",
    "ConflictingFraming",
    "DateCache",
    "EndOfBody",
    "Event",
    "HeaderFacts",
    "HeaderFieldTooLarge",
    "HeaderMemo",
    "HeadersTooLarge",
    "IncompleteRequest",
    "InvalidChunk",
    "InvalidContentLength",
    "InvalidHeader",
    "InvalidHost",
    "InvalidRequestLine",
    "InvalidTarget",
    "InvalidTrailer",
    "InvalidTransferEncoding",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "RequestHead",
    "RequestLineTooLong",
    "RequestReader",
    "TooManyHeaders",
    "TrailersTooLarge",
    "UnsupportedMethod",
    "UnsupportedTransferCoding",
    "UnsupportedVersion",
    "UpgradeWithContent",
    "encode_chunk",
    "encode_header_line",
    "encode_last_chunk",
    "encode_status_line",
    "render_response_head",
]


def _modules() -> list[str]:
    return [module.name for module in pkgutil.walk_packages(pounce_http1.__path__, "pounce_http1.")]


def test_public_names() -> None:
    assert sorted(pounce_http1.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert hasattr(pounce_http1, name)


@pytest.mark.parametrize("name", _modules())
def test_every_module_says_what_it_offers(name: str) -> None:
    if name.endswith("h11_engine"):
        pytest.importorskip("h11")
    module = importlib.import_module(name)
    assert module.__doc__
    for public in module.__all__:
        assert hasattr(module, public)


def test_both_engines_have_the_same_surface() -> None:
    engine = pytest.importorskip("pounce_http1.h11_engine").H11RequestReader
    fast = {name for name in dir(pounce_http1.RequestReader) if not name.startswith("_")}
    assert fast == {name for name in dir(engine) if not name.startswith("_")}


def test_a_head_has_the_attributes_of_its_fields() -> None:
    for name in pounce_http1.HeaderFacts.__slots__:
        assert hasattr(pounce_http1.RequestHead, name), name
