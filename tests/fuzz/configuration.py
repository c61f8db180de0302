"""Configuration files, variables and the values of options.

- Nothing is raised but `ConfigError` for a whole configuration and `ValueError` for a value, each with a message that a
  person can read.
- A value that was taken is taken again as it is, and when it is written into a file and read from there.
- A place that was understood is the same when it is read from its own text.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from pounce.config import all_settings
from pounce.settings import Kind
from pounce.sources import load_config
from pounce.toml_text import toml_text
from pounce.values import check, parse, shown
from pounce_asgi import ConfigError
from tests.fuzz.target import Target, chance_of

__all__ = ["CONFIGURATION", "OPTION_VALUES"]

SETTINGS = [setting for setting in all_settings() if setting.kind is not Kind.APPLICATION]


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder)
    return folder


def _check_file(data: bytes) -> None:
    path = _folder() / "pounce.toml"
    path.write_bytes(data)
    try:
        loaded = load_config({"app": "main:app"}, {}, config_file=str(path))
    except ConfigError as error:
        _judge(error, secret=False)
        return
    assert set(loaded.origins) == {setting.name for setting in all_settings()}


def _judge(error: Exception, *, secret: bool) -> None:
    text = str(error)
    assert text
    assert not secret or "hunter2" not in text


def _check_value(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    setting = chance_of(data).choice(SETTINGS)
    try:
        value: Any = parse(setting, text)
    except ValueError as error:
        assert not isinstance(error, UnicodeError)  # noqa: PT017 - a target, not a test
        _judge(error, secret=setting.secret)
        return
    assert check(setting, value) == value
    assert isinstance(shown(setting, value), str)
    assert hash(value) is not None
    written = toml_text(setting, value)
    if written is None:
        assert value is None
    elif "surrogateescape" not in text and text.isprintable():
        assert check(setting, tomllib.loads(f"x = {written}")["x"]) == value


def _check_variables(data: bytes) -> None:
    chance = chance_of(data)
    text = data.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    if not text:
        return
    setting = chance.choice([one for one in SETTINGS if one.name != "env_file"])
    try:
        load_config({"app": "main:app"}, {setting.variable: text}, folder=_folder() / "none")
    except ConfigError as error:
        _judge(error, secret=False)


def _check_option(data: bytes) -> None:
    _check_value(data)
    _check_variables(data)


_TEXTS = (
    b'host = "::1"\nport = 80\nworkers = "auto"\nheader = ["X-A: 1"]\n[tls]\n',
    b'bind = ["127.0.0.1:8000", "unix:/run/a.sock", "fd://3"]\n',
    b"timeout_keep_alive = 0.5\nlimit_concurrency = 'none'\n",
    b'log_level = "debug"\naccess_log = false\n',
    b'header = {X-A = "1", X-B = "2"}\nforwarded_allow_ips = ["10.0.0.0/8", "*"]\n',
    b'middleware = ["m:C", {use = "a.b:C", deep = {x = 1}}]\n',
    b'ssl_certificates = [{certfile = "a.pem", keyfile = "b.pem", names = ["a.example"]}]\n',
    b"rate_limit = '100/s'\nstatic = ['/a=b']\n",
    b"port = 0x1F90\nworkers = 1_0\n",
    b"port = 1979-05-27\nhost = inf\n",
    "host = '\u00e4'\n".encode(),
    b"a.b.c = 1\n",
)
_WORDS = tuple(setting.key.encode() + b" = " for setting in SETTINGS)

CONFIGURATION = Target(
    name="configuration",
    promises="ConfigError only, whatever is in the file",
    check=_check_file,
    seeds=_TEXTS,
    dictionary=(
        *_WORDS,
        b'"',
        b"'",
        b"[",
        b"]",
        b"{",
        b"}",
        b"true",
        b"nan",
        b"-inf",
        b'"""',
        b"\\u0000",
        b"none",
        b"[tls]",
    ),
    modules=("pounce",),
    rounds=150,
)

OPTION_VALUES = Target(
    name="options",
    promises="ValueError only; what was taken is taken again, also from a file",
    check=_check_option,
    seeds=(
        b"8000",
        b"-1",
        b"0.25",
        b"none",
        b"auto",
        b"true",
        b"127.0.0.1:8000",
        b"[::1]:80",
        b"unix:/run/a",
        b"fd://3",
        b"10.0.0.0/8, ::1",
        b"X-A: b",
        b"m:C",
        b"a.pem",
        b"660",
        b"100/s",
        b"/static=./files",
        b"main:app.x",
        b'{"use": "m:C"}',
        b"certfile=a,keyfile=b",
        b"1e3",
        b"\xc3\xa4",
    ),
    dictionary=(
        b":",
        b"/",
        b",",
        b"=",
        b"[",
        b"]",
        b"unix:",
        b"fd://",
        b"tcp://",
        b"%",
        b"::",
        b"s",
        b"\n",
        b".",
        b"*",
        b"none",
    ),
    modules=("pounce",),
    rounds=600,
)
