"""The TLS of a connection of qh3: our limits and reset token, the certificate for the name that the client asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qh3 import tls
from qh3._hazmat import Buffer
from qh3.quic.tls_bridge import QuicTlsBridge

from pounce_h3.engine.limits import LARGEST_DATAGRAM, UNIDIRECTIONAL_STREAMS
from pounce_h3.engine.qh3_identity import parsed
from pounce_h3.engine.transport_parameters import MAX_STREAMS_BIDI, MAX_STREAMS_UNI, MAX_UDP_PAYLOAD_SIZE, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_h3.certificates import Identity
    from pounce_h3.engine.library import NewConnection

__all__ = ["Bridge"]


class Bridge(QuicTlsBridge):
    """``chosen`` hears which identity is shown to this client."""

    def __init__(
        self, new: NewConnection, host_id: bytes, chosen: Callable[[Identity], None], *args: Any, **options: Any
    ) -> None:
        self._new = new  # the constructor asks for our parameters
        self._chosen = chosen
        super().__init__(*args, stateless_reset_token=new.ids.token(host_id), **options)
        if not new.settings.quic_early_data:
            self.tls._max_early_data = None
        if new.certificates.has_choice:
            handle_hello = self.tls._server_handle_hello

            def choose_first(hello: Buffer, *rest: Buffer) -> None:
                self._choose_identity(hello)
                handle_hello(hello, *rest)

            setattr(self.tls, "_server_handle_hello", choose_first)  # noqa: B010 - a method is replaced

    def _choose_identity(self, hello: Buffer) -> None:
        name = tls.pull_client_hello(Buffer(data=hello.data_slice(0, hello.capacity))).server_name
        if name is not None:
            identity = self._new.certificates.choose(name)
            self.tls.certificate, self.tls.certificate_chain, self.tls.certificate_private_key = parsed(identity)
            self._chosen(identity)

    def serialize_transport_parameters(self) -> bytes:
        numbers = {
            MAX_STREAMS_BIDI: self._new.settings.h3_max_concurrent_streams,
            MAX_STREAMS_UNI: UNIDIRECTIONAL_STREAMS,
            MAX_UDP_PAYLOAD_SIZE: LARGEST_DATAGRAM,
        }
        return replaced(super().serialize_transport_parameters(), numbers)

    def _on_traffic_secret(
        self, direction: tls.Direction, epoch: tls.Epoch, cipher_suite: tls.CipherSuite, secret: bytes
    ) -> None:
        if epoch == tls.Epoch.ZERO_RTT and not self._new.settings.quic_early_data:
            self.tls.early_data_accepted = False  # a client that sends it all the same: its ticket did not allow it
            return
        super()._on_traffic_secret(direction, epoch, cipher_suite, secret)
