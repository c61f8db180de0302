"""``--log-config``, in every form that users bring."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from pounce_asgi import ConfigError
from pounce_observability.logging_setup.config_file import apply_config_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("fresh_loggers")

JSON = """
{"formatters": {"plain": {"format": "%(levelname)s|%(message)s"}},
 "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}},
 "loggers": {"pounce": {"level": "INFO", "handlers": ["out"], "propagate": false}}}
"""
TOML = """
[formatters.plain]
format = "%(levelname)s|%(message)s"
[handlers.out]
class = "logging.StreamHandler"
formatter = "plain"
stream = "ext://sys.stdout"
[loggers.pounce]
level = "INFO"
handlers = ["out"]
propagate = false
"""
YAML = """
version: 1
formatters:
  plain:
    format: '%(levelname)s|%(message)s'
handlers:
  out:
    class: logging.StreamHandler
    formatter: plain
    stream: ext://sys.stdout
loggers:
  pounce:
    level: INFO
    handlers: [out]
    propagate: no
"""
INI = """
[loggers]
keys=root,pounce
[handlers]
keys=out
[formatters]
keys=plain
[logger_root]
handlers=
[logger_pounce]
level=INFO
handlers=out
qualname=pounce
propagate=0
[handler_out]
class=StreamHandler
formatter=plain
args=(sys.stdout,)
[formatter_plain]
format=%(levelname)s|%(message)s
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("l.json", JSON), ("l.toml", TOML), ("l.yaml", YAML), ("l.YML", YAML), ("l.ini", INI), ("logging.conf", INI)],
)
def test_forms(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str) -> None:
    if name.lower().endswith(("yaml", "yml")):
        pytest.importorskip("yaml")
    (tmp_path / name).write_text(text)
    apply_config_file(str(tmp_path / name))
    logging.getLogger("pounce.server").info("hello")
    assert capsys.readouterr().out == "INFO|hello\n"
    assert not logging.getLogger("pounce.server").disabled, "it was there before"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{\n 'a'", "Expecting property name enclosed in double quotes (at line 2, column 2)"),
        ("a.json", "[]", "holds no table of settings, but list"),
        ("a.toml", "a = 1\nb =", "Invalid value (at "),
        ("a.yaml", "a: 1\nb: [", "expected the node content, but found '<stream end>' (at line 2, column 5)"),
        ("a.yaml", "- 1", "holds no table of settings, but list"),
        ("a.yaml", "", "holds no table of settings, but NoneType"),
        ("a.yaml", "a: !!python/object/apply:os.getpid []", "could not determine a constructor"),
        ("a.json", '{"version": 2}', "Unsupported version: 2"),
        ("a.json", '{"handlers": {"x": {}}}', "handlers.x has no class"),
        (
            "a.json",
            '{"handlers": {"x": {"class": "no.such.Class"}}}',
            "Unable to configure handler 'x': Cannot resolve 'no.such.Class': No module named 'no'",
        ),
        (
            "a.json",
            '{"handlers": {"x": {"class": "logging.FileHandler", "filename": "/nowhere/at/all"}}}',
            "Unable to configure handler 'x': [Errno 2] No such file or directory: '/nowhere/at/all'",
        ),
        (
            "a.json",
            '{"loggers": {"pounce": {"handlers": ["x"]}}}',
            "Unable to configure logger 'pounce': Unable to add handler 'x': there is no 'x'",
        ),
        ("a.json", '{"loggers": {"pounce": {"level": "LOUD"}}}', "Unknown level: 'LOUD'"),
        ("a.ini", "nothing", "File contains no section headers"),
        ("a.ini", "[loggers]\nkeys=root", "there is no section or key 'formatters'"),
        ("a.ini", INI.replace("sys.stdout", "sys.nowhere"), "has no attribute 'nowhere'"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    if name.endswith("yaml"):
        pytest.importorskip("yaml")
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        apply_config_file(str(tmp_path / name))
    said = str(caught.value)
    assert said.startswith("log_config: ")
    assert str(tmp_path / name) in said
    assert message in said
    assert "\n" not in said


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"log_config: .*none\.toml cannot be read: No such file or directory"):
        apply_config_file(str(tmp_path / "none.toml"))


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"log_config: .*a\.toml is not in UTF-8: invalid start byte at byte 5"):
        apply_config_file(str(tmp_path / "a.toml"))


def test_without_pyyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "pounce_observability.logging_setup.yaml_text", raising=False)
    (tmp_path / "a.yaml").write_text(YAML)
    with pytest.raises(ConfigError, match=r"a\.yaml needs PyYAML; install pounce-server\[yaml\]"):
        apply_config_file(str(tmp_path / "a.yaml"))


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("a.json", '{"loggers": {"uvicorn.access": {}, "app": {}}}', "sets up uvicorn.access, which nothing here"),
        ("a.json", '{"loggers": {"gunicorn.error": {}, "pounce": {}}}', None),
        ("a.json", '{"loggers": {"app": {}}}', None),
        ("a.ini", INI.replace("qualname=pounce", "qualname=uvicorn"), "sets up uvicorn, which nothing here"),
    ],
)
def test_who_comes_from_another_server_is_told_our_names(
    tmp_path: Path, name: str, text: str, hint: str | None
) -> None:
    (tmp_path / name).write_text(text)
    said = apply_config_file(str(tmp_path / name))
    assert said is None if hint is None else hint in (said or "")
