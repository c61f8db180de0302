"""Clients' decoders: what they know after each piece, and whether the whole is a valid body."""

from __future__ import annotations

import zlib
from typing import Any

from pounce_compression.installed import brotli_module, standard_zstd, zstandard_module

__all__ = ["Decoder", "decode"]


class Decoder:
    """Decodes one body piece by piece, as a browser does."""

    def __init__(self, coding: str, dictionary: bytes | None = None) -> None:
        self.coding = coding
        self._ended = False
        if coding in ("gzip", "deflate"):
            self._context: Any = zlib.decompressobj(31 if coding == "gzip" else 15)
        elif coding == "br":
            module: Any = brotli_module()
            self._context = module.Decompressor()
        else:
            self._context = zstd_decoder(dictionary)

    def feed(self, data: bytes) -> bytes:
        """All that can be known after this piece."""
        if not data:
            return b""
        if self.coding == "br":
            content = bytes(self._context.process(data))
            while not self._context.is_finished() and (more := self._context.process(b"")):
                content += more  # brotlicffi gives what fits into a buffer of its own choice
            return content
        return bytes(self._context.decompress(data))

    @property
    def ended(self) -> bool:
        """The body is complete and nothing came after it."""
        if self.coding == "br":
            return bool(self._context.is_finished())
        return bool(self._context.eof) and not self._context.unused_data


def zstd_decoder(dictionary: bytes | None) -> Any:
    standard: Any = standard_zstd()
    if standard is not None:
        known = None if dictionary is None else standard.ZstdDict(dictionary, is_raw=True)
        return standard.ZstdDecompressor(zstd_dict=known)
    package: Any = zstandard_module()
    if dictionary is None:
        return package.ZstdDecompressor().decompressobj()
    known = package.ZstdCompressionDict(dictionary, dict_type=package.DICT_TYPE_RAWCONTENT)
    return package.ZstdDecompressor(dict_data=known).decompressobj()


def decode(coding: str, data: bytes, dictionary: bytes | None = None) -> bytes:
    """The content of a whole body, which must be valid to its last byte."""
    decoder = Decoder(coding, dictionary)
    content = decoder.feed(data)
    assert decoder.ended, f"{data!r:.60} is no complete body in {coding}"
    return content
