"""What is read from certificates, beside what the cryptography library reads."""

from __future__ import annotations

import contextlib
import datetime

import pytest
from certificates import DAY, TODAY, certificate, der
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pounce_workers.net.certificate import read_certificate, read_subject

MADE = certificate("example.org", "*.example.org", "127.0.0.1", "::1")


def test_names_and_times() -> None:
    read = read_certificate(der(MADE))
    assert read.dns_names == ("example.org", "*.example.org")
    assert read.ip_addresses == ("127.0.0.1", "::1")
    assert (read.not_before, read.not_after) == (MADE.not_valid_before_utc, MADE.not_valid_after_utc)
    assert read.subject == read_subject(der(MADE)) == "CN=example.org"
    assert read.der == der(MADE)
    assert read.names == "example.org, *.example.org, 127.0.0.1, ::1"


@pytest.mark.parametrize(
    "end",
    [
        TODAY + DAY,
        datetime.datetime(2049, 12, 31, tzinfo=datetime.UTC),
        TODAY.replace(year=2050),
        TODAY.replace(year=9999),
    ],
)
def test_both_forms_of_a_time(end: datetime.datetime) -> None:
    read = read_certificate(der(certificate("a.org", begin=datetime.datetime(1999, 5, 1), end=end)))
    assert read.not_before == datetime.datetime(1999, 5, 1, tzinfo=datetime.UTC)
    assert read.not_after == end


def test_a_certificate_without_names() -> None:
    read = read_certificate(der(certificate()))
    assert (read.dns_names, read.ip_addresses, read.subject, read.names) == ((), (), "", "no name")


def test_what_follows_is_left_alone() -> None:
    assert read_certificate(der(MADE) + b"more").der == der(MADE)


def test_what_is_no_certificate() -> None:
    key_only = x509.Name([]).public_bytes()
    for data in (b"", b"hello", key_only, der(MADE)[:-1], b"\x31" + der(MADE)[1:]):
        with pytest.raises(ValueError):  # noqa: PT011 - that it is one is what matters
            read_certificate(data)


@given(st.integers(0, len(der(MADE)) - 1), st.integers(0, 255))
def test_a_changed_octet_is_read_or_a_value_error(place: int, octet: int) -> None:
    data = bytearray(der(MADE))
    data[place] = octet
    with contextlib.suppress(ValueError):
        read_certificate(bytes(data))
    with contextlib.suppress(ValueError):
        read_subject(bytes(data))
