"""QPACK of qh3."""

from __future__ import annotations

from typing import Any, Final

from qh3._hazmat import (
    DecoderStreamError,
    DecompressionFailed,
    EncoderStreamError,
    HeaderTooLarge,
    QpackDecoder,
    QpackEncoder,
    StreamBlocked,
)

__all__ = ["CODEC"]


class _Qh3:
    blocked: type[Exception] = StreamBlocked
    # Its decoder tells broken blocks with the error of the decoder stream as well.
    decompression: tuple[type[Exception], ...] = (DecompressionFailed, DecoderStreamError, HeaderTooLarge, ValueError)
    encoder_stream: tuple[type[Exception], ...] = (EncoderStreamError, HeaderTooLarge, ValueError)
    decoder_stream: tuple[type[Exception], ...] = (DecoderStreamError, ValueError)
    encoding: tuple[type[Exception], ...] = (EncoderStreamError,)

    def decoder(self, capacity: int, blocked: int) -> Any:
        return QpackDecoder(capacity, blocked)

    def encoder(self) -> Any:
        return QpackEncoder()

    def apply(self, encoder: Any, capacity: int, most: int, blocked: int) -> bytes:
        applied: bytes = encoder.apply_settings(capacity, most, blocked)
        return applied


CODEC: Final = _Qh3()
