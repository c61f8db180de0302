"""What ``pounce check`` says of packages that are not installed, of middleware, and of files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pounce import ServerConfig
from pounce.checks.extras import check_extras, check_files
from pounce.checks.report import Report
from pounce.features import Feature, require_features, wanted_features
from pounce.sources import Origin
from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from pounce.checks.report import Finding

WANTED = {
    "http": ("h11", "h11"),
    "loop": ("uvloop", "uvloop"),
    "ws": ("wsproto", "pounce_websocket"),
    "http2": ("on", "pounce_h2"),
    "proxy_protocol": (True, "pounce_middleware"),
    "rate_limit_store": ("redis://localhost", "redis"),
    "cors_origins": (["https://a.example"], "starlette"),
    "metrics": (True, "prometheus_client"),
    "otel": (True, "opentelemetry.sdk"),
    "sentry_dsn": ("https://key@host.example/1", "sentry_sdk"),
    "log_config": ("logging.yaml", "yaml"),
}


def config_of(**settings: Any) -> ServerConfig:
    return ServerConfig.of({"app": "main:app", **settings})


def extras(**settings: Any) -> tuple[bool, list[Finding]]:
    report = Report({name: Origin(f"--{name}") for name in settings})
    return check_extras(config_of(**settings), report), report.findings


@pytest.mark.parametrize("setting", WANTED)
def test_every_feature_that_is_missing_is_told(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, module = WANTED[setting]
    config = config_of(**{setting: value})
    ((feature, named, _),) = wanted_features(config)
    assert (feature.module, named) == (module, setting)
    monkeypatch.setattr(Feature, "installed", property(lambda _: False))
    report = Report({setting: Origin("the variable X")})
    assert not check_extras(config, report)
    (finding,) = report.findings
    assert (finding.level, finding.check, finding.origin) == ("error", "extras", "the variable X")
    assert finding.what.startswith(setting)
    assert finding.do == feature.how_to_install
    with pytest.raises(ConfigError, match=f"{module}, which is not installed: pip install"):
        require_features(config)


def test_all_that_are_missing_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Feature, "installed", property(lambda _: False))
    good, findings = extras(http="h11", loop="uvloop", metrics=True)
    assert not good
    assert [one.origin for one in findings] == ["--http", "--loop", "--metrics"]


def test_nothing_is_needed_by_default() -> None:
    assert extras() == (True, [])


def test_what_would_be_served_with_one_package_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Feature, "installed", property(lambda _: False))
    good, findings = extras(ssl_certfile="a.pem")
    assert good
    assert [(one.level, one.what) for one in findings] == [
        ("note", "WebSockets are not served"),
        ("note", "HTTP/2 is not spoken"),
    ]


def test_middleware_that_cannot_be_made(tmp_path: Path) -> None:
    good, findings = extras(static=[f"/x={tmp_path / 'nowhere'}"])
    assert not good
    assert [(one.level, one.check) for one in findings] == [("error", "middleware")]


def files(**settings: Any) -> list[tuple[str, str]]:
    report = Report()
    check_files(config_of(**settings), report)
    return [(one.level, one.what) for one in report.findings]


def test_logs_that_can_be_written(tmp_path: Path) -> None:
    there = tmp_path / "there.log"
    there.write_text("")
    new = tmp_path / "new.log"
    assert files(log_file=str(there), access_log_file=str(new)) == [
        ("ok", f"{there} can be written to"),
        ("ok", f"{new} can be written to"),
    ]
    assert not new.exists()
    assert files(access_log_file="-") == []


def test_logs_that_cannot(tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "a.log"
    assert files(log_file=str(nowhere)) == [
        ("error", f"log_file: {nowhere} cannot be made: {nowhere.parent} is no folder, or may not be written to")
    ]
    assert files(log_file=str(tmp_path)) == [("error", f"log_file: {tmp_path} cannot be written to")]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="POSIX")  # noqa: PTH110 - a device
def test_a_device_is_good_enough() -> None:
    assert files(log_file="/dev/null") == [("ok", "/dev/null can be written to")]


def test_files_that_are_read(tmp_path: Path) -> None:
    gone = tmp_path / "gone.toml"
    assert files(log_config=str(gone)) == [("error", f"log_config: {gone} cannot be read")]
    gone.write_text("")
    assert files(log_config=str(gone)) == []
