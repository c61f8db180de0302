"""What is asked for with HTTP/3, and refused at the start rather than at the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pounce import ConfigError, ServerConfig
from pounce.features import Feature, require_features

if TYPE_CHECKING:
    from pathlib import Path

PAIR: dict[str, Any] = {"ssl_certfile": "cert.pem", "ssl_keyfile": "key.pem"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quic_bind": "0.0.0.0:8443"}, "quic_bind: HTTP/3 is always encrypted and needs a certificate; .*dev-cert"),
        ({**PAIR, "quic_bind": "unix:/run/x"}, "quic_bind: 'unix:/run/x' is not allowed; HTTP/3 needs HOST:PORT"),
        ({**PAIR, "quic_bind": "8443"}, "quic_bind: '8443' is not allowed; HTTP/3 needs HOST:PORT"),
        (
            {**PAIR, "quic_bind": ":8443", "ssl_cert_reqs": "required", "ssl_ca_certs": "ca.pem"},
            "quic_bind: clients cannot be asked for certificates over HTTP/3",
        ),
        ({**PAIR, "quic_bind": ":8443", "quic_retry": "sometimes"}, "quic_retry: .*auto, always, never"),
        ({**PAIR, "quic_bind": ":8443", "h3_stream_window": 10}, "h3_stream_window: "),
        ({**PAIR, "quic_bind": ":8443", "quic_idle_timeout": 0}, "quic_idle_timeout: "),
    ],
)
def test_what_cannot_be_served_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ServerConfig.of({"app": "main:app", **settings})


def test_the_extra_is_asked_for_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ServerConfig.of({"app": "main:app", **PAIR, "quic_bind": "127.0.0.1:0"})
    monkeypatch.setattr(Feature, "installed", property(lambda feature: feature.extra != "h3"))
    with pytest.raises(ConfigError, match=r"quic_bind needs pounce_h3, which is not installed: pip install .*\[h3\]"):
        require_features(config)


def test_without_places_nothing_is_asked_for(tmp_path: Path) -> None:
    config = ServerConfig.of({"app": "main:app", "h3_stream_window": 100_000})
    assert config.quic_bind == ()
    require_features(config)
