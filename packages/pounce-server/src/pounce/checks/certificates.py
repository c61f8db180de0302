"""The certificates: that they can be served with, for whom they are, and how long they hold."""

from __future__ import annotations

import datetime
import ssl
from typing import TYPE_CHECKING, Final

from pounce.protocols import speaks_http2
from pounce_asgi import ConfigError
from pounce_workers.net.certificate_files import CertificateFiles, load_certificate
from pounce_workers.net.tls_context import build_contexts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce.config import ServerConfig
    from pounce_workers import TlsCertificate
    from pounce_workers.net.certificate import Certificate

    from .report import Report

__all__ = ["SOON", "check_certificates"]

SOON: Final = datetime.timedelta(days=21)
"""Those who renew by themselves do it 30 days before the end (certbot) or after two thirds of the time: what has less
than three weeks left was most likely forgotten."""


def check_certificates(config: ServerConfig, report: Report, *, now: datetime.datetime | None = None) -> None:
    """Read each by itself, so that all that is wrong is told at once, then all of them as the server does."""
    if not config.tls.enabled:
        if config.quic_bind:
            report.add("error", "certificates", "quic_bind: HTTP/3 takes a certificate; give ssl_certfile as well")
        return
    moment = now or datetime.datetime.now(datetime.UTC)
    good = True
    for setting, files in _files(config):
        try:
            found = load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), files)
        except ConfigError as error:
            report.add("error", "certificates", str(error), setting=setting)
            good = False
            continue
        _look_at_dates(found, files.certificate, setting, moment, report)
        _look_at_names(found, files.certificate, setting, report)
    if not good:
        return
    try:
        _, warnings = build_contexts(config.tls, ("h2", "http/1.1") if speaks_http2(config) else ("http/1.1",))
    except ConfigError as error:
        report.add("error", "certificates", str(error))
        return
    for warning in warnings:
        report.add("warning", "certificates", warning, setting="ssl_certificate", do="leave it out, or give its names")
    if config.tls.ssl_ca_certs and config.tls.ssl_cert_reqs == "none":
        report.add(
            "warning",
            "certificates",
            "no client is asked for a certificate, although ssl_ca_certs is given",
            setting="ssl_ca_certs",
            do="set --ssl-cert-reqs to optional or required, or leave --ssl-ca-certs out",
        )


def _files(config: ServerConfig) -> Iterator[tuple[str, CertificateFiles]]:
    """Each with the setting that names it."""
    first = config.tls.ssl_certfile is not None
    for number, certificate in enumerate(config.tls.certificates):
        own = first and number == 0
        names = ("ssl_certfile", "ssl_keyfile") if own else ("ssl_certificate", "ssl_certificate")
        files = CertificateFiles(certificate=certificate, cert_setting=names[0], key_setting=names[1])
        yield names[0], files


def _look_at_dates(
    found: Certificate, given: TlsCertificate, setting: str, moment: datetime.datetime, report: Report
) -> None:
    path = given.certfile
    until = f"{found.not_after:%Y-%m-%d %H:%M} UTC"
    if found.not_after <= moment:
        report.add(
            "error",
            "certificates",
            f"{path} expired at {until}, so clients refuse it",
            setting=setting,
            do="put a new one in its place; the server takes it without a restart",
        )
    elif found.not_before > moment:
        report.add(
            "error",
            "certificates",
            f"{path} holds from {found.not_before:%Y-%m-%d %H:%M} UTC only, so clients refuse it",
            setting=setting,
            do="wait, give another one, or set the clock of this machine",
        )
    elif found.not_after - moment < SOON:
        days = (found.not_after - moment).days
        report.add(
            "warning",
            "certificates",
            f"{path} expires in {days} {'day' if days == 1 else 'days'}, at {until}",
            setting=setting,
            do="renew it; the server takes a new one without a restart",
        )
    else:
        report.add("ok", "certificates", f"{path} is for {found.names} until {until}", setting=setting)


def _look_at_names(found: Certificate, given: TlsCertificate, setting: str, report: Report) -> None:
    if not found.dns_names and not found.ip_addresses:
        report.add(
            "warning",
            "certificates",
            f"{given.certfile} has no name in subjectAltName, so browsers and most clients refuse it",
            setting=setting,
            do="issue it with the names of the server (RFC 9525)",
        )
        return
    strange = [name for name in given.names if not any(_covers(own.lower(), name) for own in found.dns_names)]
    if strange:
        report.add(
            "warning",
            "certificates",
            f"{given.certfile} is to be used for {', '.join(strange)}, which it does not name: clients refuse it",
            setting=setting,
            do=f"it is for {found.names}",
        )


def _covers(own: str, name: str) -> bool:
    """Whether a name of a certificate is, or stands for, one that was given (RFC 9525, 6.3)."""
    return own == name or (own.startswith("*.") and not name.startswith("*.") and own[2:] == name.partition(".")[2])
