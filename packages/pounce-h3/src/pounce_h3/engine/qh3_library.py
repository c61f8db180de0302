"""qh3 as one of the libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qh3._hazmat import DsaPrivateKey
from qh3.quic.packet import QuicProtocolVersion, encode_quic_retry

from pounce_h3.engine.qh3_connection import Qh3Connection
from pounce_h3.engine.qh3_identity import parsed

if TYPE_CHECKING:
    from pounce_h3.certificates import Identity
    from pounce_h3.engine.library import NewConnection

__all__ = ["LIBRARY"]


class _Qh3:
    name: str = "qh3"
    versions: tuple[int, ...] = (int(QuicProtocolVersion.VERSION_1),)

    def connect(self, new: NewConnection, now: float) -> Qh3Connection:  # noqa: ARG002 - the first datagram tells it
        return Qh3Connection(new, self.versions)

    def names(self, identity: Identity) -> tuple[str, ...]:
        try:
            leaf, _, key = parsed(identity)
        except Exception as error:
            raise ValueError(str(error) or type(error).__name__) from error
        if isinstance(key, DsaPrivateKey):
            raise ValueError("it is of a kind with which TLS 1.3 cannot sign: DSA")
        names: list[bytes] = leaf.get_subject_alt_names()  # as b"DNSName(example.org)"
        return tuple(
            name[len(b"DNSName(") : -1].decode("ascii", "replace") for name in names if name.startswith(b"DNSName(")
        )

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


LIBRARY: Final = _Qh3()
