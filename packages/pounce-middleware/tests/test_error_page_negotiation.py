"""Which form of a page a client wants."""

from __future__ import annotations

import pytest
from asgi_doubles import http_scope

from pounce_middleware.error_page.negotiation import wanted_form

BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
CASES = [
    ([], "text"),
    ([b"*/*"], "text"),
    ([BROWSER], "html"),
    ([b"TEXT/HTML"], "html"),
    ([b"application/json"], "json"),
    ([b"application/problem+json, */*"], "json"),
    ([b"application/json, text/plain, */*"], "json"),
    ([b"text/plain"], "text"),
    ([b"text/html;q=0.5, application/json"], "json"),
    ([b"text/html; level=1 ; q=0.5, application/json;q=0.4"], "html"),
    ([b"text/html;q=0, application/json;q=0.1"], "json"),
    ([b"text/html;q=x"], "text"),
    ([b"image/png"], "text"),
    ([b"image/png", b"text/html"], "html"),
    ([b"", b"\xff"], "text"),
]


@pytest.mark.parametrize(("values", "form"), CASES)
def test_forms(values: list[bytes], form: str) -> None:
    assert wanted_form(http_scope(headers=[(b"accept", value) for value in values])) == form
