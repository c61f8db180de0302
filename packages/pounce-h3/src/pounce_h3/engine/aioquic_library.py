"""aioquic as one of the libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aioquic.quic.packet import QuicProtocolVersion, encode_quic_retry
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName

from pounce_h3.engine.aioquic_connection import AioquicConnection
from pounce_h3.engine.aioquic_identity import parsed, signs

if TYPE_CHECKING:
    from pounce_h3.certificates import Identity
    from pounce_h3.engine.library import NewConnection

__all__ = ["LIBRARY"]


class _Aioquic:
    name: str = "aioquic"
    # It has version 2 (RFC 9369) as well, but then derives the keys of the first flight of every connection for both.
    versions: tuple[int, ...] = (int(QuicProtocolVersion.VERSION_1),)

    def connect(self, new: NewConnection, now: float) -> AioquicConnection:  # noqa: ARG002 - qh3 wants the time
        return AioquicConnection(new, self.versions)

    def names(self, identity: Identity) -> tuple[str, ...]:
        try:
            leaf, _, key = parsed(identity)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(str(error)) from error
        if not signs(key):
            raise ValueError("it is of a kind with which aioquic cannot sign: it wants RSA, P-256, P-384 or Ed25519")
        try:
            names = leaf.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName)
        except ExtensionNotFound:
            return ()
        return tuple(names)

    def retry(
        self, version: int, source_id: bytes, destination_id: bytes, original_destination_id: bytes, token: bytes
    ) -> bytes:
        return encode_quic_retry(
            version=version,
            source_cid=source_id,
            destination_cid=destination_id,
            original_destination_cid=original_destination_id,
            retry_token=token,
        )


LIBRARY: Final = _Aioquic()
