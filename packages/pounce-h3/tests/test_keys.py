"""Keys of a server."""

from __future__ import annotations

import pytest

from pounce_h3 import QuicKeys


def test_one_secret_gives_the_same_keys_everywhere_and_one_for_each_use() -> None:
    first = QuicKeys.new()
    again = QuicKeys(first.secret)
    keys = (first.connection_ids, first.reset_tokens, first.retry_tokens)
    assert keys == (again.connection_ids, again.reset_tokens, again.retry_tokens)
    assert len({*keys, first.secret, QuicKeys.new().retry_tokens}) == 5


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 32"):
        QuicKeys(b"x" * 31)
