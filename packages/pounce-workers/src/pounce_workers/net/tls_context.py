"""How TLS is spoken: contexts with the server's certificates, one of which is chosen by the name a client asks for."""

from __future__ import annotations

import os
import ssl
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError
from pounce_workers.net.certificate_files import CertificateFiles, load_authorities, load_certificate
from pounce_workers.net.server_names import ServerNames, normal_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pounce_workers.net.certificate import Certificate
    from pounce_workers.tls_settings import TlsSettings

__all__ = ["KEY_LOG_VARIABLE", "ServerContext", "build_contexts", "key_log_path"]

KEY_LOG_VARIABLE: Final = "SSLKEYLOGFILE"
"""The variable that browsers, curl and Wireshark know: a file for the secrets of connections, to decrypt captures."""

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CLIENT_CERTIFICATES: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}

# Python has a name for it since 3.12; the number is that of OpenSSL 3 (SSL_OP_ENABLE_KTLS, bit 3). Before OpenSSL 3 the
# bit meant other things.
_ENABLE_KTLS: Final[int] = getattr(ssl, "OP_ENABLE_KTLS", 1 << 3) if ssl.OPENSSL_VERSION_INFO >= (3,) else 0


class ServerContext(ssl.SSLContext):
    """A context with one certificate, and what has to be known of it and cannot be had from Python's context."""

    certificate: Certificate
    server_cert: str
    """The certificate as PEM."""
    cipher_suites: Mapping[str, int] = MappingProxyType({})
    """The number of each cipher suite, by OpenSSL's name (the registry of RFC 8446, B.4)."""


def build_contexts(settings: TlsSettings, alpn: Sequence[str]) -> tuple[tuple[ServerContext, ...], tuple[str, ...]]:
    """A context for each certificate, and what a person should hear about them.

    Connections begin with the first one; it lets them go over to another by the name that the client asks for.

    Raises:
        ConfigError: a file or a setting is wrong; the message says which, what is wrong and what to do.
    """
    every = _files(settings)
    contexts = tuple(_context(settings, alpn, files) for files in every)
    names: ServerNames[int] = ServerNames()
    warnings: list[str] = []
    for number, (context, files) in enumerate(zip(contexts, every, strict=True)):
        taken = names.add(_names(context, files, needed=number > 0), number)
        if taken:
            path = files.certificate.certfile
            warnings.append(f"{path} is not used for {', '.join(taken)}: an earlier certificate has the name already")
    if len(contexts) > 1:  # with a single one nothing is to be chosen, and the name need not even be read
        contexts[0].sni_callback = _Choice(names, contexts[1:])
    return contexts, tuple(warnings)


def _files(settings: TlsSettings) -> tuple[CertificateFiles, ...]:
    first = settings.ssl_certfile is not None
    own = ("ssl_certfile", "ssl_keyfile")
    return tuple(
        CertificateFiles(
            certificate=certificate,
            cert_setting=own[0] if first and number == 0 else f"certificate {number + (not first)} of ssl_certificate",
            key_setting=own[1] if first and number == 0 else f"key {number + (not first)} of ssl_certificate",
        )
        for number, certificate in enumerate(settings.certificates)
    )


def _names(context: ServerContext, files: CertificateFiles, *, needed: bool) -> list[str]:
    """The server names for which a certificate is used: those of the settings, else its own."""
    names = list(files.certificate.names)
    for name in () if names else context.certificate.dns_names:
        try:
            names.append(normal_name(name))
        except ValueError:  # a name that no client can ask for, such as f*.example.org (RFC 9525, 6.3)
            continue
    if needed and not names:
        raise ConfigError(
            f"{files.cert_setting}: {files.certificate.certfile} has no server names inside, so it would never be used;"
            " give its names, or leave it out"
        )
    return names


class _Choice:
    """Picks the context by the name that a client asks for. Names that nobody has stay with the first context.

    It does not hold that first context, which holds it: old contexts then go without the garbage collector.
    """

    def __init__(self, names: ServerNames[int], others: tuple[ServerContext, ...]) -> None:
        self._names = names
        self._others = others

    def __call__(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        number = self._names.find(name) if name else None
        if number:
            connection.context = self._others[number - 1]


def _context(settings: TlsSettings, alpn: Sequence[str], files: CertificateFiles) -> ServerContext:
    # The protocol's own options: no compression (CRIME), the server's order of suites, fresh keys for each handshake,
    # session tickets. Tickets belong to a context, so they end when certificates are read again.
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.ssl_min_version]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if settings.ssl_ktls:
        context.options |= _ENABLE_KTLS
    _choose_ciphers(context, settings.ssl_ciphers)
    context.verify_mode = _CLIENT_CERTIFICATES[settings.ssl_cert_reqs]
    if settings.ssl_ca_certs is not None:
        load_authorities(context, "ssl_ca_certs", settings.ssl_ca_certs)
    context.certificate = load_certificate(context, files)
    context.server_cert = ssl.DER_cert_to_PEM_cert(context.certificate.der)
    context.cipher_suites = MappingProxyType({suite["name"]: suite["id"] & 0xFFFF for suite in context.get_ciphers()})
    if alpn:
        context.set_alpn_protocols(list(alpn))
    _log_keys(context)
    return context


def _choose_ciphers(context: ssl.SSLContext, ciphers: str) -> None:
    try:
        context.set_ciphers(ciphers)
    except (ssl.SSLError, ValueError):
        raise ConfigError(
            f"ssl_ciphers: {ciphers!r} names no cipher suite of TLS 1.2 that this OpenSSL has; they are listed by"
            " 'openssl ciphers -s -tls1_2', and those of TLS 1.3 are always on"
        ) from None


def key_log_path() -> str | None:
    """The file for the secrets of connections, or None. As in ssl.create_default_context()."""
    return None if sys.flags.ignore_environment else os.environ.get(KEY_LOG_VARIABLE) or None


def _log_keys(context: ssl.SSLContext) -> None:
    path = key_log_path()
    if path is None:
        return
    try:
        context.keylog_filename = path
    except OSError as error:
        raise ConfigError(
            f"{KEY_LOG_VARIABLE}: {path} cannot be written: {error.strerror}; unset the variable, or give another file"
        ) from None
