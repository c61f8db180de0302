"""Settings that an extra brings: there when it is installed, else a hint at what to install."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap

import pytest

from pounce import extra_settings
from pounce.config import ServerConfig
from pounce.features import Feature

SECTIONS = [getattr(extra_settings, name) for name in extra_settings.__all__ if name.endswith("Settings")]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_each_setting_is_known_without_its_extra(section: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Feature, "installed", property(lambda feature: False))
    for field in dataclasses.fields(section):
        for written in (field.name, field.name.replace("_", "-")):
            assert "pip install 'pounce-server[" in extra_settings.extra_of(written), field.name


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("debug", "debug"),
        ("cors-origins", "cors"),
        ("rate-limit", "middleware"),
        ("rate-limit-store", "redis"),
        ("compress", "compression"),
    ],
)
def test_one_installation_is_enough(name: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Feature, "installed", property(lambda feature: False))
    assert extra_settings.extra_of(name).endswith(f"pip install 'pounce-server[{extra}]'")


def test_our_own_are_of_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Feature, "installed", property(lambda feature: False))
    for field in dataclasses.fields(ServerConfig):
        if field.name not in ("compression", "static_files", "request_ids", "request_timeouts"):
            assert not extra_settings.extra_of(field.name), field.name


def test_a_server_without_the_extras() -> None:
    """In a fresh interpreter where both packages cannot be found."""
    code = """
        import importlib.util, sys
        real = importlib.util.find_spec
        hidden = {"pounce_middleware", "pounce_compression"}
        importlib.util.find_spec = lambda name, package=None: None if name in hidden else real(name, package)
        sys.modules.update(dict.fromkeys(hidden))  # an import fails
        from pounce import ConfigError, ServerConfig
        from pounce.chain import ORDER
        from pounce.cli import run_command
        config = ServerConfig(app="main:app")
        assert not [link.name for link in ORDER if link.is_on(config)]
        try:
            ServerConfig.of({"app": "main:app", "rate_limit": "10/s"})
        except ConfigError as error:
            print(error)
        run_command(["main:app", "--compress"])
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    said = told.stdout + told.stderr
    assert "'rate_limit' is not a setting; it needs a package that is not installed: pip install" in said, said
    assert "--compress is not available here; it needs a package" in said, said
    assert "pounce-server[compression]" in said
