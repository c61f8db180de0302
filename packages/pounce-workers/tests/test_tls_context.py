"""Contexts: what is spoken, which certificate a client gets, who may connect. With real handshakes in memory."""

from __future__ import annotations

import gc
import ssl
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, client_context, der, handshake, key, key_pem, pem, write_pair
from certificates import certificate as make_certificate

from pounce_asgi import ConfigError
from pounce_workers.net.tls_context import ServerContext, build_contexts
from pounce_workers.tls_settings import TlsCertificate, TlsSettings

if TYPE_CHECKING:
    from pathlib import Path

ALPN = ("h2", "http/1.1")


@pytest.fixture(autouse=True)
def no_key_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, Any]:
    made = write_pair(tmp_path, "a", "example.org", "localhost")
    return {"ssl_certfile": made.certfile, "ssl_keyfile": made.keyfile}


def build(**settings: Any) -> ServerContext:
    (context, *_), _ = build_contexts(TlsSettings(**settings), ALPN)
    return context


def test_what_is_off(pair: dict[str, Any]) -> None:
    options = build(**pair).options
    assert options & ssl.OP_NO_RENEGOTIATION
    assert options & ssl.OP_NO_COMPRESSION
    assert options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert not options & ssl.OP_NO_TICKET
    assert not options & 8


def test_ktls_is_an_option(pair: dict[str, Any]) -> None:
    assert bool(build(**pair, ssl_ktls=True).options & 8) is (ssl.OPENSSL_VERSION_INFO >= (3,))


@pytest.mark.parametrize(
    ("least", "newest", "spoken"),
    [
        ("1.2", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("1.2", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("1.3", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("1.3", ssl.TLSVersion.TLSv1_2, None),
    ],
)
def test_versions(pair: dict[str, Any], least: str, newest: ssl.TLSVersion, spoken: str | None) -> None:
    context, client = build(**pair, ssl_min_version=least), client_context()
    client.maximum_version = newest
    if spoken is None:
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol"):
            handshake(context, client)
    else:
        assert handshake(context, client)[0].version() == spoken


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["h2", "http/1.1"], "h2"),
        (["http/1.1", "h2"], "h2"),  # the server's order
        (["http/1.1"], "http/1.1"),
        (["spdy/3"], None),
        ([], None),
    ],
)
def test_alpn(pair: dict[str, Any], offered: list[str], chosen: str | None) -> None:
    client = client_context()
    if offered:
        client.set_alpn_protocols(offered)
    assert handshake(build(**pair), client)[0].selected_alpn_protocol() == chosen


def test_suites_of_1_2_are_those_for_http_2(pair: dict[str, Any]) -> None:
    names = [suite["name"] for suite in build(**pair).get_ciphers()]
    assert len(names) > 3
    # RFC 9113, 9.2.2 and appendix A
    assert all(name.startswith(("TLS_", "ECDHE-")) and ("GCM" in name or "CHACHA20" in name) for name in names)


def test_ciphers_are_chosen(pair: dict[str, Any]) -> None:
    context, client = build(**pair, ssl_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), client_context()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    ours, _ = handshake(context, client)
    assert ours.cipher() == ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128)


@pytest.mark.parametrize("ciphers", ["nonsense", "TLS_AES_128_GCM_SHA256", "", "a\0b"])
def test_ciphers_that_are_none(pair: dict[str, Any], ciphers: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**pair, ssl_ciphers=ciphers)
    assert str(caught.value).startswith(f"ssl_ciphers: {ciphers!r} names no cipher suite of TLS 1.2 that this OpenSSL")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed(pair: dict[str, Any], newest: ssl.TLSVersion) -> None:
    context, client = build(**pair), client_context()
    client.maximum_version = newest
    _, theirs = handshake(context, client)
    assert not theirs.session_reused
    ours, again = handshake(context, client, session=theirs.session)
    assert again.session_reused
    assert ours.session_reused


# Server names


class Many:
    """A server with several certificates."""

    def __init__(self, folder: Path) -> None:
        first = write_pair(folder, "first", "example.org", "www.example.org")
        second = write_pair(folder, "second", "*.example.org", "example.net", number=1)
        third = write_pair(folder, "third", "api.example.org", "unused.example.org", number=2)
        fourth = write_pair(folder, "fourth", number=3)
        self.contexts, self.warnings = build_contexts(
            TlsSettings(
                ssl_certfile=first.certfile,
                ssl_keyfile=first.keyfile,
                ssl_certificate=(
                    TlsCertificate(certfile=second.certfile, keyfile=second.keyfile),
                    TlsCertificate(certfile=third.certfile, keyfile=third.keyfile, names=("api.example.org",)),
                    TlsCertificate(
                        certfile=fourth.certfile, keyfile=fourth.keyfile, names=("Bücher.example", "example.net")
                    ),
                ),
            ),
            ALPN,
        )
        self.ders = [der(one.certificate) for one in (first, second, third, fourth)]


@pytest.fixture
def many(tmp_path: Path) -> Many:
    return Many(tmp_path)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (None, 0),
        ("example.org", 0),
        ("EXAMPLE.org", 0),
        ("www.example.org", 0),  # exact before wildcard
        ("shop.example.org", 1),
        ("Shop.Example.ORG", 1),
        ("a.shop.example.org", 0),  # a wildcard is one label
        ("example.net", 1),  # the first who has a name keeps it
        ("api.example.org", 2),
        ("unused.example.org", 1),  # names of the settings count instead of its own
        ("xn--bcher-kva.example", 3),
        ("bücher.example", 3),
        ("elsewhere.com", 0),
        ("localhost", 0),
    ],
)
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_certificate_is_that_for_the_name(
    many: Many, name: str | None, number: int, newest: ssl.TLSVersion
) -> None:
    client = client_context()
    client.maximum_version = newest
    client.set_alpn_protocols(["http/1.1", "h2"])
    ours, theirs = handshake(many.contexts[0], client, name)
    assert theirs.getpeercert(binary_form=True) == many.ders[number]
    assert ours.context is many.contexts[number]
    assert ours.selected_alpn_protocol() == "h2"


def test_a_dot_at_the_end_of_a_name(many: Many) -> None:
    ours, _ = handshake(many.contexts[0], name="api.example.org.")
    assert ours.context is many.contexts[2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # CPython tells what it cannot decode
def test_a_name_that_is_not_ascii_is_refused(many: Many) -> None:
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client_context().wrap_bio(down, up, server_hostname="api.example.org").do_handshake()
    hello = up.read().replace(b"api.example.org", b"\xffpi.example.org")
    incoming = ssl.MemoryBIO()
    incoming.write(hello)
    with pytest.raises(ssl.SSLError, match="CALLBACK_FAILED"):
        many.contexts[0].wrap_bio(incoming, ssl.MemoryBIO(), server_side=True).do_handshake()
    handshake(many.contexts[0], name="api.example.org")


def test_names_that_others_have_are_told(many: Many, tmp_path: Path) -> None:
    assert many.warnings == (
        f"{tmp_path / 'fourth.pem'} is not used for example.net: an earlier certificate has the name already",
    )


def test_sessions_are_resumed_with_the_certificate_of_the_name(many: Many) -> None:
    client = client_context()
    _, theirs = handshake(many.contexts[0], client, "api.example.org")
    ours, again = handshake(many.contexts[0], client, "api.example.org", theirs.session)
    assert again.session_reused
    assert ours.context is many.contexts[2]


def test_a_certificate_that_nobody_would_get(tmp_path: Path) -> None:
    first, second = write_pair(tmp_path, "a", "example.org"), write_pair(tmp_path, "b")
    extra = TlsCertificate(certfile=second.certfile, keyfile=second.keyfile)
    with pytest.raises(ConfigError) as caught:
        build(ssl_certfile=first.certfile, ssl_keyfile=first.keyfile, ssl_certificate=(extra,))
    assert str(caught.value) == (
        f"certificate 1 of ssl_certificate: {second.certfile} has no server names inside, so it would never be used;"
        " give its names, or leave it out"
    )
    assert build(ssl_certificate=(extra,)).sni_callback is None  # alone it is the default


def test_errors_say_which_certificate(tmp_path: Path) -> None:
    good = write_pair(tmp_path, "a", "example.org")
    one = TlsCertificate(certfile=good.certfile, keyfile=good.keyfile)
    with pytest.raises(ConfigError, match=r"^certificate 2 of ssl_certificate: nowhere\.pem is not there"):
        build(ssl_certificate=(one, TlsCertificate(certfile="nowhere.pem")))
    with pytest.raises(ConfigError, match=r"^key 1 of ssl_certificate: nowhere\.key is not there"):
        build(
            ssl_certfile=good.certfile,
            ssl_keyfile=good.keyfile,
            ssl_certificate=(TlsCertificate(certfile=good.certfile, keyfile="nowhere.key"),),
        )


def test_old_contexts_go_at_once(tmp_path: Path) -> None:
    gc.disable()
    try:
        contexts = Many(tmp_path).contexts
        left = [weakref.ref(one) for one in contexts]
        del contexts
        assert [one() for one in left] == [None] * 4
    finally:
        gc.enable()


# Certificates of clients


class Clients:
    """An authority, one below it, and clients with certificates of theirs."""

    def __init__(self, folder: Path, pair: dict[str, Any]) -> None:
        self.folder = folder
        self.root = Authority.make("root", 5)
        self.below = Authority.make("below", 6, self.root)
        self.stranger = Authority.make("root", 7)
        (folder / "ca.pem").write_bytes(pem(self.root.certificate))
        self.settings = {**pair, "ssl_ca_certs": str(folder / "ca.pem")}

    def client(self, issuer: Authority | None, *chain: Authority) -> ssl.SSLContext:
        context = client_context()
        if issuer is not None:
            one = make_certificate("alice", private=key(8), issuer=issuer)
            (self.folder / "client.pem").write_bytes(pem(one, *(each.certificate for each in chain)) + key_pem(key(8)))
            context.load_cert_chain(self.folder / "client.pem")
        return context


@pytest.fixture
def clients(tmp_path: Path, pair: dict[str, Any]) -> Clients:
    return Clients(tmp_path, pair)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("mode", "who", "outcome"),
    [
        ("none", "nobody", "none"),
        ("none", "known", "none"),
        ("none", "stranger", "none"),
        ("optional", "nobody", "none"),
        ("optional", "known", "shown"),
        ("optional", "below", "shown"),
        ("optional", "stranger", "refused"),
        ("required", "nobody", "refused"),
        ("required", "known", "shown"),
        ("required", "below", "shown"),
        ("required", "below alone", "refused"),  # what is between is not there
        ("required", "stranger", "refused"),
    ],
)
def test_certificates_of_clients(clients: Clients, newest: ssl.TLSVersion, mode: str, who: str, outcome: str) -> None:
    client = {
        "nobody": lambda: clients.client(None),
        "known": lambda: clients.client(clients.root),
        "below": lambda: clients.client(clients.below, clients.below),
        "below alone": lambda: clients.client(clients.below),
        "stranger": lambda: clients.client(clients.stranger),
    }[who]()
    client.maximum_version = newest
    context = build(**clients.settings, ssl_cert_reqs=mode)
    if outcome == "refused":
        with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
            handshake(context, client)
    else:
        ours, _ = handshake(context, client)
        assert bool(ours.getpeercert(binary_form=True)) is (outcome == "shown")


def test_certificates_of_clients_are_asked_for_whatever_the_name(clients: Clients, tmp_path: Path) -> None:
    other = write_pair(tmp_path, "other", "other.org")
    extra = TlsCertificate(certfile=other.certfile, keyfile=other.keyfile)
    context = build(**clients.settings, ssl_cert_reqs="required", ssl_certificate=(extra,))
    for name in ("example.org", "other.org"):
        with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
            handshake(context, clients.client(None), name)
        ours, _ = handshake(context, clients.client(clients.root), name)
        assert ours.getpeercert(binary_form=True)


# The key log


def test_secrets_are_logged_when_the_variable_says_so(
    pair: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    handshake(build(**pair))
    assert "SERVER_HANDSHAKE_TRAFFIC_SECRET" in (tmp_path / "keys").read_text()


def test_a_key_log_that_cannot_be_written(
    pair: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
    with pytest.raises(ConfigError, match=r"^SSLKEYLOGFILE: .*keys cannot be written: .*; unset the variable"):
        build(**pair)
