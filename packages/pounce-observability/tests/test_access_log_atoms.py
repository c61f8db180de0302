"""Formats of gunicorn's atoms."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from access_records import completed

from pounce_observability.access_log.atoms import AtomLines, parsed

HEADERS = (
    (b"user-agent", b"curl/8"),
    (b"referer", b"https://a/"),
    (b"x-forwarded-for", b"10.0.0.1"),
    (b"x-forwarded-for", b"10.0.0.2"),
    (b"authorization", b"Basic YWxpY2U6c2VjcmV0"),
)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)
    monkeypatch.setenv("POD_NAME", "web\n1")


@pytest.mark.parametrize(
    ("atom", "shown"),
    [
        ("%(h)s", "127.0.0.1"),
        ("%(l)s", "-"),
        ("%(u)s", "alice"),
        ("%(t)s", "[21/Nov/2026:13:09:33 +0000]"),
        ("%(r)s", "GET /items?q=1 HTTP/1.1"),
        ("%(m)s", "GET"),
        ("%(U)s", "/items"),
        ("%(q)s", "q=1"),
        ("%(H)s", "HTTP/1.1"),
        ("%(s)s", "200"),
        ("%(B)s", "1234"),
        ("%(b)s", "1234"),
        ("%(f)s", "https://a/"),
        ("%(a)s", "curl/8"),
        ("%(T)s", "2"),
        ("%(M)s", "2500"),
        ("%(D)s", "2500500"),
        ("%(L)s", "2.500500"),
        pytest.param("%(p)s", f"<{os.getpid()}>", id="%(p)s"),
        ("%({user-agent}i)s", "curl/8"),
        ("%({User-Agent}i)s", "curl/8"),
        ("%({X-Forwarded-For}i)s", "10.0.0.1, 10.0.0.2"),
        ("%({x-none}i)s", "-"),
        ("%({pod_name}e)s", "web\\x0a1"),
        ("%({NO_SUCH_VARIABLE_ANYWHERE}e)s", "-"),
        ("%(s)d", "200"),
        ("%(D)09d|", "002500500|"),
        ("%(s)-5s|%(s)5s|%(m).2s", "200  |  200|GE"),
        ("100%% %(s)s%% ü", "100% 200% ü"),
    ],
)
def test_atoms(atom: str, shown: str) -> None:
    record = completed(duration=2.5005, request_headers=HEADERS)
    assert AtomLines(parsed(atom)).line(record) == shown


@pytest.mark.parametrize(
    ("changes", "atom", "shown"),
    [
        ({"body_bytes_sent": 0}, "%(b)s %(B)s", "- 0"),
        ({"client": None}, "%(h)s", "-"),
        ({"query_string": b""}, "%(r)s|%(q)s|", "GET /items HTTP/1.1||"),
    ],
)
def test_what_is_missing(changes: dict[str, Any], atom: str, shown: str) -> None:
    assert AtomLines(parsed(atom)).line(completed(**changes)) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jsn", "'jsn' is neither text, common, combined, json nor a format with atoms such as %(h)s"),
        ("%(h)s %(D", "at '%(D': expected an atom such as %(h)s, or %% for %"),
        ("%(h)s 100%", "at '%': expected an atom"),
        ("%h %s", "at '%h %s': expected an atom"),
        ("%(h)f", "at '%(h)f': expected an atom"),
        ("%(z)s", "there is no atom %(z)s; there are h, l, u,"),
        ("%({x}z)s", "there is no atom %({x}z)s"),
        ("%(s)s %({content-type}o)s", "%({content-type}o)s cannot be had, because the fields of a response are gone"),
        ("%({}i)s", "there is no atom %({}i)s"),
        ("%(h)d", "only B, D, M, T, s are numbers; write %(h)s"),
        ("%(h)9999s", "at '%(h)9999s': wider than 1000 columns"),
        ("%(s).9999d", "at '%(s).9999d': wider than 1000 columns"),
        ("%(h)s\n%(s)s", "has an end of line within"),
    ],
)
def test_what_is_no_format(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at
        parsed(text)
    assert message in str(caught.value)
    assert repr(text) in str(caught.value)
