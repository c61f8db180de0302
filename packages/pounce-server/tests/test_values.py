"""Reading and checking values: what Python's own readers take too generously is a case."""

from __future__ import annotations

import re
import ssl
from typing import Any

import pytest

from pounce.middleware_values import MiddlewareUse
from pounce.settings import Kind, Setting
from pounce.values import allowed, check, parse, shown
from pounce_workers.tls_settings import TlsCertificate


def setting(kind: Kind, **changes: Any) -> Setting:
    plain: dict[str, Any] = {"section": None, "optional": False, "default": None, "help": "", "group": ""}
    return Setting(name="it", kind=kind, **(plain | changes))


TEXT = setting(Kind.TEXT)
PORT = setting(Kind.WHOLE, minimum=0, maximum=65535)
LIMIT = setting(Kind.WHOLE, minimum=1, optional=True, unit="connections")
WAIT = setting(Kind.NUMBER, minimum=0, unit="seconds")
SWITCH = setting(Kind.SWITCH)
MODE = setting(Kind.CHOICE, choices=("auto", "on", "off"))
WORDS = setting(Kind.TEXTS)
LINES = setting(Kind.TEXTS, one_a_line=True)
CLASSES = setting(Kind.MIDDLEWARE)
HEADERS = setting(Kind.HEADERS)
APP = setting(Kind.APPLICATION)
COUNT = setting(Kind.WHOLE, minimum=0, maximum=9, words=(("auto", 0),))
PLACES = setting(Kind.PLACES)
BITS = setting(Kind.PERMISSIONS, optional=True)
CERT = TlsCertificate(certfile="a.pem", keyfile="a.key")
CERTS = setting(Kind.CERTIFICATES)
ASKED = setting(Kind.CHOICE, choices=("none", "optional", "required"), also=(("0", "none"), ("2", "required")))
VERSION = setting(Kind.CHOICE, choices=("1.2", "1.3"))
SECRET = setting(Kind.TEXT, optional=True, secret=True)


@pytest.mark.parametrize(
    ("one", "text", "value"),
    [
        (TEXT, "none", "none"),
        (TEXT, "", ""),
        (PORT, "0", 0),
        (PORT, "65535", 65535),
        (PORT, " 80 ", 80),
        (PORT, "080", 80),
        (LIMIT, "none", None),
        (LIMIT, "NONE", None),
        (LIMIT, "5", 5),
        (WAIT, "5", 5.0),
        (WAIT, "0.25", 0.25),
        (SWITCH, "1", True),
        (SWITCH, "TRUE", True),
        (SWITCH, " yes ", True),
        (SWITCH, "on", True),
        (SWITCH, "0", False),
        (SWITCH, "False", False),
        (SWITCH, "no", False),
        (SWITCH, "off", False),
        (MODE, "auto", "auto"),
        (WORDS, "a, b,,c", ("a", "b", "c")),
        (WORDS, "", ()),
        (LINES, "*.a=x, y\n\n*.b=z\n", ("*.a=x, y", "*.b=z")),
        (CLASSES, "m:A, m:B", (MiddlewareUse("m:A"), MiddlewareUse("m:B"))),
        (HEADERS, "X-A: 1\nX-B:2", (("X-A", "1"), ("X-B", "2"))),
        (HEADERS, "X-A:", (("X-A", ""),)),
        (HEADERS, "X-A: b: c", (("X-A", "b: c"),)),
        (APP, "main:app", "main:app"),
        (COUNT, "auto", 0),
        (COUNT, " AUTO ", 0),
        (COUNT, "0", 0),
        (COUNT, "9", 9),
        (PLACES, "[::1]:80, unix:/x", ("[::1]:80", "unix:/x")),
        (PLACES, "", ()),
        (CERTS, "a.pem,a.key\n\nb.pem\n", (CERT, TlsCertificate(certfile="b.pem"))),
        (CERTS, "", ()),
        (ASKED, "none", "none"),
        (ASKED, "0", "none"),
        (ASKED, "2", "required"),
        (VERSION, "1.3", "1.3"),
        (BITS, "660", "660"),
        (BITS, "0660", "660"),
        (BITS, "0o660", "660"),
    ],
)
def test_text_is_read(one: Setting, text: str, value: object) -> None:
    assert parse(one, text) == value


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (PORT, "65536"),
        (PORT, "-1"),
        (PORT, ""),
        (PORT, "abc"),
        (PORT, "+5"),
        (PORT, "0_5"),
        (PORT, "٣"),
        (PORT, "5.0"),
        (PORT, "0x10"),
        (PORT, "5\n"),
        (PORT, "none"),
        (PORT, "9" * 5000),
        (LIMIT, "0"),
        (COUNT, "10"),
        (COUNT, "none"),
        (COUNT, ""),
        (PLACES, "[::1]:80, here"),
        (CERTS, "a,b,c"),
        (ASKED, "1"),
        (ASKED, "3"),
        (ASKED, "2.0"),
        (VERSION, "1.1"),
        (BITS, "66"),
        (BITS, "4755"),
        (BITS, "668"),
        (BITS, "rw-"),
        (BITS, ""),
        (WAIT, "nan"),
        (WAIT, "inf"),
        (WAIT, "1e3"),
        (WAIT, "-0.1"),
        (WAIT, "1."),
        (SWITCH, ""),
        (SWITCH, "2"),
        (SWITCH, "maybe"),
        (MODE, "AUTO"),
        (MODE, ""),
        (HEADERS, "no colon"),
        (HEADERS, ": no name"),
        (HEADERS, "bad name: x"),
        (HEADERS, "X-A: \x00"),
        (HEADERS, "X-A: \u20ac"),
        (APP, ""),
        (TEXT, "a\0b"),
    ],
)
def test_wrong_text_is_refused_in_words(one: Setting, text: str) -> None:
    with pytest.raises(ValueError, match=rf"\A{re.escape(allowed(one))}\Z"):
        parse(one, text)


@pytest.mark.parametrize(
    ("one", "value", "checked"),
    [
        (PORT, 5, 5),
        (WAIT, 5, 5.0),
        (LIMIT, None, None),
        (LIMIT, "none", None),
        (WORDS, ["a"], ("a",)),
        (WORDS, "a", ("a",)),
        (WORDS, "a,b , c", ("a", "b", "c")),
        (WORDS, ["a,b", "c"], ("a,b", "c")),
        (LINES, "a,b", ("a,b",)),
        (PLACES, ":80, unix:/x", (":80", "unix:/x")),
        (CLASSES, "m:A,m:B", (MiddlewareUse("m:A"), MiddlewareUse("m:B"))),
        (HEADERS, ["X-A: 1"], (("X-A", "1"),)),
        (HEADERS, [["X-A", "1"]], (("X-A", "1"),)),
        (HEADERS, {"X-A": "1"}, (("X-A", "1"),)),
        (HEADERS, "X-A: 1", (("X-A", "1"),)),
        (HEADERS, (), ()),
        (APP, print, print),
        (CERTS, ("a.pem,a.key",), (CERT,)),
        (CERTS, [{"certfile": "a.pem", "keyfile": "a.key"}], (CERT,)),
        (CERTS, CERT, (CERT,)),
        (ASKED, 2, "required"),
        (ASKED, ssl.CERT_REQUIRED, "required"),
        (ASKED, ssl.CERT_NONE, "none"),
        (VERSION, 1.2, "1.2"),
    ],
)
def test_typed_values_become_immutable(one: Setting, value: object, checked: object) -> None:
    result = check(one, value)
    assert result == checked
    assert type(result) is type(checked)


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (PORT, True),
        (PORT, 5.0),
        (PORT, "5"),
        (PORT, None),
        (WAIT, float("nan")),
        (WAIT, float("inf")),
        (WAIT, True),
        (SWITCH, 1),
        (SWITCH, "yes"),
        (MODE, None),
        (MODE, ["auto"]),
        (CERTS, [5]),
        (ASKED, 3),
        (ASKED, False),
        (ASKED, True),
        (VERSION, 1.1),
        (TEXT, 5),
        (WORDS, [5]),
        (WORDS, [""]),
        (WORDS, ""),
        (WORDS, ","),
        (PLACES, ""),
        (WORDS, {"a": 1}),
        (HEADERS, 5),
        (HEADERS, [5]),
        (HEADERS, [["X-A", 1]]),
        (HEADERS, {"X-A": "1\r\nX-B: 2"}),
        (HEADERS, {"X-A: 1\r\nX-B": "2"}),
        (APP, 5),
    ],
)
def test_wrong_types_are_refused(one: Setting, value: object) -> None:
    with pytest.raises(ValueError, match=rf"\A{re.escape(allowed(one))}\Z"):
        check(one, value)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (PORT, "a whole number from 0 to 65535"),
        (LIMIT, "a whole number of 1 or more connections, or none"),
        (WAIT, "a number of 0 or more seconds"),
        (setting(Kind.WHOLE, maximum=5), "a whole number of 5 or less"),
        (setting(Kind.NUMBER, unit="seconds"), "a number of seconds"),
        (setting(Kind.NUMBER), "a number"),
        (MODE, "one of auto, on, off"),
        (SWITCH, "on or off (true or false)"),
        (ASKED, "one of none, optional, required"),
        (CERTS, "CERTFILE or CERTFILE,KEYFILE; in a file also a table [[tls.certificates]]"),
    ],
)
def test_what_is_allowed_in_words(one: Setting, words: str) -> None:
    assert allowed(one) == words


@pytest.mark.parametrize(
    ("one", "value", "words"),
    [
        (PORT, 5, "5"),
        (PORT, "5", "'5'"),
        (WORDS, ("a", "b"), "'a', 'b'"),
        (SECRET, 1234, "what is given"),
        (CERTS, [{"certfile": "a", "keyfile_password": 1234}], "a table of certfile, keyfile_password"),
    ],
)
def test_what_was_given_in_words(one: Setting, value: object, words: str) -> None:
    assert shown(one, value) == words
