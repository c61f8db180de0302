"""Files of environment variables, read by python-dotenv."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pounce import ConfigError
from pounce.env_file import apply_env_file, read_env_file
from pounce.features import DOTENV, Feature

if TYPE_CHECKING:
    from pathlib import Path

needs_dotenv = pytest.mark.skipif(not DOTENV.installed, reason="python-dotenv is not installed")


@needs_dotenv
def test_read(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# comment\nexport A='b c' # why\nEMPTY=\nBARE\nUMLAUT=ü\n", encoding="utf-8")
    assert read_env_file(str(path)) == {"A": "b c", "EMPTY": "", "UMLAUT": "ü"}


@needs_dotenv
def test_what_is_set_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text("POUNCE_TEST_SET=file\nPOUNCE_TEST_UNSET=file\n", encoding="utf-8")
    monkeypatch.setenv("POUNCE_TEST_SET", "before")
    monkeypatch.setenv("POUNCE_TEST_UNSET", "")  # so that it is restored
    monkeypatch.delenv("POUNCE_TEST_UNSET")
    apply_env_file(str(path))
    assert (os.environ["POUNCE_TEST_SET"], os.environ["POUNCE_TEST_UNSET"]) == ("before", "file")


@needs_dotenv
def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        read_env_file(str(tmp_path / "nowhere"))
    (tmp_path / "latin").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_env_file(str(tmp_path / "latin"))


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Feature, "installed", property(lambda self: False))
    with pytest.raises(ConfigError) as caught:
        read_env_file(str(tmp_path / "any"))
    assert str(caught.value) == ("env_file needs dotenv, which is not installed: pip install 'pounce-server[dotenv]'")
