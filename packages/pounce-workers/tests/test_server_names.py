"""Which certificate is for which name."""

from __future__ import annotations

import pytest

from pounce_workers.net.server_names import ServerNames, normal_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.org", "example.org"),
        ("EXAMPLE.Org.", "example.org"),
        (" example.org ", "example.org"),
        ("localhost", "localhost"),
        ("*.example.org", "*.example.org"),
        ("a_b.example.org", "a_b.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a" * 63 + ".org", "a" * 63 + ".org"),
    ],
)
def test_names_in_the_form_in_which_they_are_compared(text: str, name: str) -> None:
    assert normal_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a..b",
        ".example.org",
        "example.org..",
        "*",
        "*.",
        "*.org",  # RFC 9525, 6.3: not for a whole top-level domain
        "f*.example.org",  # the wildcard is the whole label
        "*f.example.org",
        "a.*.example.org",
        "*.*.example.org",
        "-a.example.org",
        "a-.example.org",
        "a" * 64 + ".org",
        ".".join(["a" * 49] * 6),
        "exa mple.org",
        "example.org:443",
        "https://example.org",
        "[::1]",
        "a\0.org",
        "ü" * 70 + ".org",
        "ü..org",
        "\u2024.org",
        "\ud800.org",
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match=r" is not a host name; write it as 'example\.org' or '\*\.example\.org'\Z"):
        normal_name(text)


def table() -> ServerNames[str]:
    names: ServerNames[str] = ServerNames()
    assert names.add(["example.org", "www.example.org"], "first") == []
    assert names.add(["*.example.org", "*.a.example.org"], "wild") == []
    assert names.add(["b.example.org", "xn--bcher-kva.example"], "exact") == []
    return names


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("example.org", "first"),
        ("EXAMPLE.ORG", "first"),
        ("example.org.", "first"),
        ("www.example.org", "first"),
        ("x.example.org", "wild"),
        ("X.Example.Org.", "wild"),
        ("b.example.org", "exact"),
        ("x.a.example.org", "wild"),
        ("x.y.example.org", None),  # one label
        ("xn--bcher-kva.example", "exact"),
        ("org", None),
        ("", None),
        (".", None),
        ("other.net", None),
        ("*.example.org", "wild"),
    ],
)
def test_exact_names_come_before_wildcards_of_one_label(asked: str, found: str | None) -> None:
    assert table().find(asked) == found


def test_the_first_keeps_a_name() -> None:
    names = table()
    assert names.add(["new.org", "example.org", "*.example.org"], "late") == ["example.org", "*.example.org"]
    assert names.find("new.org") == "late"
    assert names.find("example.org") == "first"
    assert names.find("x.example.org") == "wild"


def test_a_certificate_may_say_a_name_twice() -> None:
    assert table().add(["example.org", "example.org"], "first") == []
