"""The single page in place of an application's 404."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from static_client import get

from pounce_middleware.static import StaticMounts, StaticSettings

if TYPE_CHECKING:
    from pathlib import Path

HTML = {"accept": "text/html,*/*"}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """404 but for one path, in two pieces."""
    status = 200 if scope["path"] == "/api" else 404
    fields = [(b"content-type", b"text/plain"), (b"vary", b"origin")]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": b"not ", "more_body": True})
    await send({"type": "http.response.body", "body": b"here"})


@pytest.fixture
def site(tmp_path: Path) -> Any:
    (tmp_path / "index.html").write_bytes(b"home")
    return StaticMounts.from_settings(
        application, StaticSettings(static=(f"/={tmp_path}",), static_single_page="index.html")
    )


def lines(answer: Any, name: bytes) -> list[bytes]:
    return [value for key, value in answer.headers if key == name]


def test_it_takes_the_place_of_the_applications_404(site: Any) -> None:
    page = get(site, "/users/7", HTML)
    assert (page.status, page.body, page["vary"], page["content-type"]) == (
        200,
        b"home",
        "accept",
        "text/html; charset=utf-8",
    )
    again = get(site, "/users/7", {**HTML, "if-none-match": page["etag"]})
    assert (again.status, again.body, again["vary"]) == (304, b"", "accept")
    head = get(site, "/users/7", HTML, method="HEAD")
    assert (head.status, head.body, head["content-length"]) == (200, b"", "4")


def test_other_answers_are_the_applications(site: Any) -> None:
    answer = get(site, "/api", HTML)
    assert (answer.status, answer.body, lines(answer, b"vary")) == (200, b"not here", [b"origin"])


def test_who_does_not_go_to_a_page_gets_the_404(site: Any) -> None:
    answer = get(site, "/app.js", {"accept": "*/*"})
    assert (answer.status, answer.body, lines(answer, b"vary")) == (404, b"not here", [b"origin", b"accept"])
    assert get(site, "/users/7", HTML, method="POST").status == 404


def test_without_the_page_there_is_the_404(site: Any, tmp_path: Path) -> None:
    (tmp_path / "index.html").unlink()
    answer = get(site, "/users/7", HTML)
    assert (answer.status, answer.body, lines(answer, b"vary")) == (404, b"not here", [b"origin", b"accept"])
