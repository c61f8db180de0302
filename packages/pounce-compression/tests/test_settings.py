from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from compression_doubles import answering, ask, http_scope, text

from pounce_compression import CompressionMiddleware, CompressionSettings

WRONG = [
    ({"compress_codings": ("gzip", "lzma")}, "compress_codings: 'lzma' is not one of"),
    ({"compress_level_zstd": 20}, "compress_level_zstd: 20 is not within 1 and 19"),
    ({"compress_level_br": 12}, "compress_level_br"),
    ({"compress_level_gzip": 0}, "compress_level_gzip"),
    ({"compress_min_size": -1}, "compress_min_size: -1 is below 0 bytes"),
    ({"compress_thread_size": -1}, "compress_thread_size"),
    ({"compress_file_size": -1}, "compress_file_size"),
    ({"compress_dictionary_size": -1}, "compress_dictionary_size"),
    ({"compress_dictionary_memory": -1}, "compress_dictionary_memory"),
    ({"compress_types": ("html",)}, "compress_types: 'html' is neither"),
    ({"compress_exclude": ("login",)}, "compress_exclude: 'login' does not begin with a slash"),
    ({"compress_dictionaries": ("/(a)",)}, "compress_dictionaries: '/\\(a\\)'"),
]


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_what_is_out_of_range_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CompressionSettings(**values)


def test_it_is_off_and_described() -> None:
    assert CompressionSettings().compress is False
    for each in dataclasses.fields(CompressionSettings):
        assert each.name.startswith("compress")
        assert each.metadata["help"].endswith(".")


@pytest.mark.parametrize(
    ("values", "path", "coding"),
    [
        ({}, "/", "zstd"),
        ({"compress_codings": ("gzip", "zstd")}, "/", "gzip"),
        ({"compress_min_size": 10_001}, "/", "identity"),
        ({"compress_types": ("text/html",)}, "/", "identity"),
        ({"compress_exclude": ("/secret",)}, "/secret", "identity"),
        ({"compress_dictionaries": ("/app.*",)}, "/app.1", "zstd"),
    ],
)
def test_the_middleware_does_as_they_say(values: dict[str, Any], path: str, coding: str) -> None:
    middleware = CompressionMiddleware.from_settings(answering(text(10_000)), CompressionSettings(**values))
    answer = ask(middleware, http_scope("zstd, gzip, br", path=path))
    assert answer.coding == coding
    assert answer.content() == text(10_000)
    assert ("use-as-dictionary" in answer.fields) is ("compress_dictionaries" in values)


def test_levels_reach_the_codecs() -> None:
    lengths = []
    for level in (1, 9):
        settings = CompressionSettings(compress_level_gzip=level)
        answer = ask(CompressionMiddleware.from_settings(answering(text(50_000)), settings))
        lengths.append(len(answer.body))
    assert lengths[0] > lengths[1]


def test_strict_is_handed_on() -> None:
    middleware = CompressionMiddleware.from_settings(answering(b"x"), CompressionSettings(compress_strict=True))
    assert ask(middleware, http_scope("*;q=0")).status == 406
