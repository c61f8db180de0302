"""CRC-32C against the examples of RFC 3720, appendix B.4."""

from __future__ import annotations

import pytest

from pounce_workers.net.crc32c import crc32c

CASES = [
    (b"", 0x00000000),
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
]


@pytest.mark.parametrize(("data", "checksum"), CASES)
def test_known_values(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum
