"""QPACK of pylsqpack, which comes with aioquic."""

from __future__ import annotations

from typing import Any, Final

import pylsqpack

__all__ = ["CODEC"]


class _Pylsqpack:
    blocked: type[Exception] = pylsqpack.StreamBlocked
    decompression: tuple[type[Exception], ...] = (pylsqpack.DecompressionFailed, ValueError)
    encoder_stream: tuple[type[Exception], ...] = (pylsqpack.EncoderStreamError,)
    decoder_stream: tuple[type[Exception], ...] = (pylsqpack.DecoderStreamError,)
    encoding: tuple[type[Exception], ...] = ()

    def decoder(self, capacity: int, blocked: int) -> pylsqpack.Decoder:
        return pylsqpack.Decoder(capacity, blocked)

    def encoder(self) -> pylsqpack.Encoder:
        return pylsqpack.Encoder()

    def apply(self, encoder: Any, capacity: int, most: int, blocked: int) -> bytes:  # noqa: ARG002 - qh3 wants both
        applied: bytes = encoder.apply_settings(most, blocked)
        return applied


CODEC: Final = _Pylsqpack()
