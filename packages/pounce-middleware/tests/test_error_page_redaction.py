"""What may not be shown."""

from __future__ import annotations

import time

import pytest

from pounce_middleware.error_page.redaction import HIDDEN, Redaction, is_secret_name

SECRET = [
    *(
        "password",
        "PASSWORD",
        "db_password",
        "passwd",
        "pwd",
        "user_pwd",
        "secret",
        "SECRET_KEY",
        "clientSecret",
        "token",
    ),
    *("access_token", "api_key", "apiKey", "API-KEY", "x-api-key", "authorization", "Proxy-Authorization", "cookie"),
    *(
        "Set-Cookie",
        "session_id",
        "csrf_token",
        "private_key",
        "DATABASE_URL",
        "dsn",
        "SENTRY_DSN",
        "jwt",
        "cvv",
        "pin",
    ),
    *("aws_secret_access_key", "credentials", "basicAuth", "passphrase", "card_number", "auth", "Salt"),
]
INNOCENT = [
    *(
        "user",
        "name",
        "author",
        "authors",
        "opinion",
        "spinner",
        "assault",
        "path",
        "key",
        "keys",
        "tokenize",
        "tokenizer",
    ),
    *("token_count", "PWD", "OLDPWD", "XDG_SESSION_TYPE", "SSH_AUTH_SOCK", "auth_type", "primary_key", "shopping"),
]


@pytest.mark.parametrize("name", SECRET)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", INNOCENT)
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


TEXTS = [
    ("password='abc'", f"password='{HIDDEN}'"),
    ('"password": "abc"', f'"password": "{HIDDEN}"'),
    ("User(name='me', password='abc')", f"User(name='me', password='{HIDDEN}')"),
    ("'api_key', 'abc'", f"'api_key', '{HIDDEN}'"),
    ("?token=abc&x=y", f"?token={HIDDEN}&x=y"),
    ("Bearer abcdef0123", f"Bearer {HIDDEN}"),
    ("postgresql://me:abc@host/db", f"postgresql://me:{HIDDEN}@host/db"),
    (r"password='a\'b'c", f"password='{HIDDEN}'c"),
    ("password='cut o", f"password='{HIDDEN}'"),
    ("author='me'", "author='me'"),
    ("note=\"password='abc'\"", f"note=\"password='{HIDDEN}'\""),
    ("password=''", "password=''"),
    ("KeyError: 'password'", "KeyError: 'password'"),
    ("http://host:80/a@b", "http://host:80/a@b"),
]


@pytest.mark.parametrize(("text", "shown"), TEXTS)
def test_texts(text: str, shown: str) -> None:
    assert Redaction(environment={}).text(text) == shown


SOURCE = [
    ('password = "abc"', f'password = "{HIDDEN}"'),
    ("password: str = 'abc'", f"password: str = '{HIDDEN}'"),
    ("login(password='abc')", f"login(password='{HIDDEN}')"),
    ("token = make_token(user)", "token = make_token(user)"),
    ("token=token", "token=token"),
]


@pytest.mark.parametrize(("text", "shown"), SOURCE)
def test_source(text: str, shown: str) -> None:
    assert Redaction(environment={}).source(text) == shown


def test_values() -> None:
    redaction = Redaction(["setting!"], {"MY_TOKEN": "from\\environment", "HOME": "/home/me", "PWD": "/home/me/x"})
    redaction.add(b"as bytes")
    text = "setting! from\\environment 'from\\\\environment' as bytes as%20bytes /home/me /home/me/x"
    assert redaction.text(text) == f"{HIDDEN} {HIDDEN} '{HIDDEN}' {HIDDEN} {HIDDEN} /home/me /home/me/x"


def test_longer_values_first() -> None:
    assert Redaction(["abcdef", "abcdefgh"], {}).text("abcdefgh abcdef") == f"{HIDDEN} {HIDDEN}"


def test_short_values_are_words() -> None:
    assert Redaction(["true", ""], {"TOKEN": "12345"}).text("true 12345") == "true 12345"


@pytest.mark.parametrize(
    "text",
    [
        "password" * 5000,
        "password=" * 5000,
        "a://" * 5000,
        "token'" * 5000,
        "Bearer " * 5000,
        "x" * 40000,
        "a=" * 20000,
        "'a':" * 9000,
    ],
)
def test_long_texts_take_no_long_time(text: str) -> None:
    redaction = Redaction(environment={})
    begin = time.process_time()
    redaction.text(text)
    redaction.source(text)
    assert time.process_time() - begin < 1.0
