"""Settings that change nothing, because another that they need is not set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce import ServerConfig
from pounce.checks.no_effect import RULES, Serving, check_no_effect, needs_of
from pounce.checks.report import Report
from pounce.config import all_settings
from pounce.sources import DEFAULT, Origin
from pounce_workers import Decision

if TYPE_CHECKING:
    from pounce.settings import Setting
    from pounce_workers.supervision.runtime import WorkerKind

TLS = {"ssl_certfile": "a.pem"}


def serving(
    settings: dict[str, Any], *, kind: WorkerKind = "thread", workers: int = 1, interface: str = "asgi3"
) -> Serving:
    config = ServerConfig.of({"app": "main:app", **settings})
    return Serving(config, Decision(kind=kind, workers=workers, reason="so it is"), interface)


def idle(settings: dict[str, Any], **rest: Any) -> list[str]:
    return [setting.name for setting, _ in needs_of(serving(settings, **rest))]


@pytest.mark.parametrize(
    ("settings", "also"),
    [
        ({"port": 1}, {}),
        ({"uds_permissions": "660"}, {"uds": "/x"}),
        ({"uds_permissions": "660"}, {"bind": ["unix:/x"]}),
        ({"quic_idle_timeout": 5, "alt_svc_max_age": None, "h3_stream_window": 65536}, {"quic_bind": [":1"], **TLS}),
        ({"proxy_allow_ips": ["*"]}, {"proxy_protocol": True}),
        ({"forwarded_hops": 2, "forwarded_family": "forwarded"}, {"forwarded_allow_ips": ["*"]}),
        ({"async_limit": 1, "limit_pool_threads": 1}, {"worker_mode": "sync"}),
        ({"limit_queue": 5, "sync_threads": 5}, {"worker_mode": "sync"}),
        ({"limit_max_requests_jitter": 5}, {"limit_max_requests": 5}),
        ({"workers_lifetime_jitter": 5}, {"workers_lifetime": 5}),
        ({"otel_service_name": "x"}, {"otel": True}),
        ({"sentry_release": "x"}, {"sentry_dsn": "https://k@h.example/1"}),
        ({"metrics_path": "/x"}, {"metrics": True}),
        ({"introspection_public": True}, {"introspection": True}),
        ({"profile_interval": 5}, {"profile": True}),
        ({"reload_delay": 5, "reload_include": ["*.html"]}, {"reload": True}),
        ({"request_timeout_exempt_path": ["/x"]}, {"request_timeout": 5}),
        ({"ssl_min_version": "1.3", "ssl_reload_interval": 9}, TLS),
        ({"compress_min_size": 5}, {"compress": True}),
        ({"static_index": "x"}, {"static": ["/x=."]}),
        ({"rate_limit_burst": 5}, {"rate_limit": "5/s"}),
        ({"rate_limit_store_prefix": "x", "rate_limit": "5/s"}, {"rate_limit_store": "redis://x"}),
        ({"request_queue_size": 5}, {"request_queue_limit": 5}),
        ({"request_queue_size": 5}, {"request_queue_adaptive": True}),
        ({"health_check_path": "/x", "ready_check_path": "/y"}, {"health_checks": True}),
        ({"security_csp": "x"}, {"security_headers": True}),
        ({"cors_max_age": 5}, {"cors_origins": ["https://x.example"]}),
    ],
)
def test_what_another_setting_needs(settings: dict[str, Any], also: dict[str, Any]) -> None:
    """Without the other none of them works, and with it all do. ``rate_limit`` itself always does."""
    if settings == {"port": 1}:
        assert idle({"bind": [":1"], **settings}) == ["port"]
    else:
        assert set(idle(settings)) == set(settings) - {"rate_limit"}
    assert idle(settings | also) == []


@pytest.mark.parametrize(
    ("settings", "serves", "does_not"),
    [
        ({"drain_idle": 1, "workers_max_rss": 5}, {"kind": "process"}, {"kind": "thread"}),
        ({"sync_threads": 1}, {"interface": "wsgi"}, {"interface": "asgi3"}),
        ({"lifespan_scope": "server"}, {"interface": "asgi3"}, {"interface": "wsgi"}),
        ({"ws_max_size": 5}, {"interface": "asgi3"}, {"interface": "sync"}),
        ({"profile": True}, {"interface": "asgi3"}, {"interface": "wsgi"}),
        ({"h2_upgrade": True}, {"interface": "asgi3"}, {"interface": "wsgi"}),
        ({"timeout_lifespan_startup": 5}, {"interface": "asgi3"}, {"interface": "wsgi"}),
    ],
)
def test_what_depends_on_what_serves(
    settings: dict[str, Any], serves: dict[str, Any], does_not: dict[str, Any]
) -> None:
    assert idle(settings, **serves) == []
    assert set(idle(settings, **does_not)) == set(settings)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"access_log_format": "json", "access_log": False}, ["access_log_format"]),
        ({"timeout_lifespan_startup": 5, "lifespan": "off"}, ["timeout_lifespan_startup"]),
        ({"ws_max_size": 5, "ws": "none"}, ["ws_max_size"]),
        ({"h2_stream_window": 65536, "http2": "off"}, ["h2_stream_window"]),
        ({"h2_upgrade": True, "worker_mode": "sync"}, ["h2_upgrade"]),
        ({"h2_upgrade": True, "ssl_certfile": "x", "ssl_keyfile": "y"}, ["h2_upgrade"]),
    ],
)
def test_what_is_switched_off(settings: dict[str, Any], names: list[str]) -> None:
    assert idle(settings) == names


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it has no effect at all")
def test_distribution_among_several() -> None:
    assert idle({"distribution": "reuseport", "workers": 2}, workers=2) == []
    assert idle({"distribution": "reuseport"}) == ["distribution"]


def test_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert idle({"cpu_affinity": True}) == ["cpu_affinity"]


def test_defaults_never_matter() -> None:
    assert idle({}) == []
    assert idle({}, kind="process", workers=4, interface="wsgi") == []


def test_only_what_was_given_is_told_with_its_origin() -> None:
    report = Report({"rate_limit_burst": Origin("--rate-limit-burst"), "cors_max_age": DEFAULT})
    check_no_effect(serving({"rate_limit_burst": 5, "cors_max_age": 5}), report)
    (finding,) = report.findings
    assert (finding.level, finding.check) == ("warning", "no effect")
    assert (finding.what, finding.origin) == (
        "rate_limit_burst has no effect: it needs rate_limit",
        "--rate-limit-burst",
    )


def about(setting: Setting, names: tuple[str, ...]) -> bool:
    return any(setting.name.startswith(one) if one.endswith("_") else setting.name == one for one in names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.names[0])
def test_every_rule_is_about_settings_that_exist(rule: Any) -> None:
    settings = all_settings()
    for name in (*rule.names, *rule.besides):
        assert any(about(setting, (name,)) for setting in settings), name


@pytest.mark.parametrize(
    "section",
    [
        "compression",
        "static_files",
        "rates",
        "shedding",
        "health",
        "security",
        "cors",
        "tracing",
        "sentry",
        "prometheus",
        "inspection",
        "tls",
        "h3",
        "access",
    ],
)
def test_of_what_is_off_every_setting_but_the_switch_has_a_rule(section: str) -> None:
    """A setting that is added to one of these is found here."""
    settings = [setting for setting in all_settings() if setting.section == section]
    without = [
        setting.name
        for setting in settings
        if not any(about(setting, rule.names) and setting.name not in rule.besides for rule in RULES)
    ]
    switches = {
        "compress",
        "static",
        "rate_limit",
        "request_queue_limit",
        "request_queue_adaptive",
        "health_checks",
        "security_headers",
        "cors_origins",
        "otel",
        "sentry_dsn",
        "metrics",
        "introspection",
        "ssl_certfile",
        "ssl_certificate",
        "access_log",
    }
    assert set(without) <= switches
