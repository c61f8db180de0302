"""Whether a client is where it says it is: Retry and its tokens (RFC 9000, 8.1.2 to 8.1.4).

A token holds all that is to be known of its client, sealed with a key of the server: nothing is kept for it, and any
worker can check it.
"""

from __future__ import annotations

import hmac
import math
import struct
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pounce_h3.quic import Address

__all__ = ["BEGINNINGS", "OPEN_HANDSHAKES", "Beginnings", "RetryTokens", "TokenExpired", "wants_retry"]

LIFETIME: Final = 10.0
"""Seconds for which a token holds: a round trip, with some losses. Short, because it can be repeated until then."""
OPEN_HANDSHAKES: Final = 100
"""Handshakes that one worker may have open before ``auto`` asks for proof. Each costs milliseconds, so that a worker
completes a few hundred a second; with round trips of 0.1 s some tens are open then. More are a flood, or more than can
be done, and then a round trip more hurts nobody."""
BEGINNINGS: Final = 100.0
"""Clients in a second that may begin at one worker without proof. Each costs as much as a handshake does, also where
what it sends is nothing that can be read and no handshake follows."""
MARK: Final = 0xA7
"""Begins every token. One that does not is of another kind or another server."""
SEAL_SIZE: Final = 32
_HEAD: Final = struct.Struct("!BdB")


class TokenExpired(ValueError):  # noqa: N818 - it names what happened, as all errors here do
    """A token of ours that is too old. Its client takes no second Retry (RFC 9000, 17.2.5.2)."""


def wants_retry(policy: Literal["auto", "always", "never"], open_handshakes: int, beginnings: float) -> bool:
    """Whether a client that comes without a token is to prove its address first. ``beginnings``: see `Beginnings`."""
    return policy == "always" or (policy == "auto" and (open_handshakes >= OPEN_HANDSHAKES or beginnings > BEGINNINGS))


class Beginnings:
    """Counts clients that come without proof, whatever becomes of them, and forgets them within seconds."""

    __slots__ = ("_at", "_count")

    def __init__(self, now: float) -> None:
        self._count = 0.0
        self._at = now

    def one_more(self, now: float) -> float:
        """How many came lately, with this one: as many as come in a second, if they come evenly."""
        self._count = self._count * math.exp(min(self._at - now, 0.0)) + 1.0
        self._at = now
        return self._count


class RetryTokens:
    """Makes and checks the tokens of Retry packets. Immutable: used by every worker that has the key.

    ``now`` is ``time.monotonic()``, which all processes of a machine share.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new(self, client: Address, original_id: bytes, source_id: bytes, now: float) -> bytes:
        """A token for this client, which called us by ``original_id`` and is to call us by ``source_id``."""
        head = _HEAD.pack(MARK, now, len(original_id)) + original_id
        return head + self._seal(head, client, source_id)

    def check(self, token: bytes, client: Address, destination_id: bytes, now: float) -> bytes | None:
        """The ID of the client's very first Initial, if this token was made for the client and the ID by which it
        calls us now. None: it is not ours, or forged, or somebody else's, and so as good as none (RFC 9000, 8.1.3).

        Raises:
            TokenExpired: it is right, and too old.
        """
        if len(token) < _HEAD.size + SEAL_SIZE or token[0] != MARK:
            return None
        head, seal = token[:-SEAL_SIZE], token[-SEAL_SIZE:]
        if not hmac.compare_digest(seal, self._seal(head, client, destination_id)):
            return None
        _, made, _ = _HEAD.unpack_from(head)
        if not 0 <= now - made <= LIFETIME:
            raise TokenExpired("the token of a Retry is too old")
        return head[_HEAD.size :]

    def _seal(self, head: bytes, client: Address, source_id: bytes) -> bytes:
        host, port = client
        # Each part has a length that is known, or one before it: no two contents are written alike.
        parts = (head, len(source_id).to_bytes(1, "big"), source_id, port.to_bytes(2, "big"), host.encode())
        return hmac.digest(self._key, b"".join(parts), "sha256")
