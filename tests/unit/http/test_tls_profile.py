"""The profile that a server negotiates, held against all that a client could propose.

What is expected is what CCF's own scan of a node reports (``tests/tls_report.csv``),
and X25519.
Clients here are OpenSSL, told to propose one thing alone, and hellos written by hand
for what OpenSSL would not propose any more.
"""

import struct
from contextlib import suppress
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from ccfpy.http.openssl import library
from ccfpy.http.tls import ServerContext, TlsFailure, TlsSession
from tests.attacks import attack
from tests.unit.http.tls_ends import END, NODE, START

EVERYTHING = b"ALL:COMPLEMENTOFALL:@SECLEVEL=0"
SUITES_1_2 = {
    "ECDSA": ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "RSA": ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"),
}
SUITES_1_3 = ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256")
OTHER_SUITES_1_3 = (
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
GROUPS = ("X25519", "P-256", "P-384", "P-521")
OPENSSL_NAMES = {
    "X25519": "x25519",
    "P-256": "secp256r1",
    "P-384": "secp384r1",
    "P-521": "secp521r1",
}
OTHER_GROUPS = (
    "X448",
    "brainpoolP256r1",
    "brainpoolP384r1tls13",
    "secp224r1",
    "secp256k1",
    "ffdhe2048",
    "ffdhe3072",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
)


@cache
def _server(kind: str = "ECDSA") -> ServerContext:
    if kind == "ECDSA":
        return ServerContext(NODE.pem, NODE.key_pem)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CCF Node")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(END)
        .sign(key, hashes.SHA256())
    )
    return ServerContext(
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )


KINDS = ("ECDSA", "RSA")


def _client(version: int | None = None) -> SSL.Context:
    """Return a client that would take anything."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(EVERYTHING)
    if version is not None:
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
    return context


def _has_groups(context: SSL.Context, groups: str) -> bool:
    """Make a client propose these groups, if its library knows them."""
    handle = context._context
    return bool(library.SSL_CTX_set1_curves_list(handle, groups.encode()))


def _negotiated(context: SSL.Context, server: ServerContext) -> str | None:
    """Make a handshake; return the suite, or None if the server refused."""
    client, session = SSL.Connection(context, None), TlsSession(server)
    client.set_connect_state()
    try:
        for _ in range(4):
            try:
                client.do_handshake()
            except SSL.WantReadError:
                session.feed(client.bio_read(1 << 16))
                if output := session.take_output():
                    client.bio_write(output)
            else:
                if output := _last_words(client):
                    session.feed(output)
                break
    except (SSL.Error, TlsFailure):
        return None
    assert session.is_established
    return client.get_cipher_name()


def _last_words(client: SSL.Connection) -> bytes:
    """Return what a client says when its handshake is over, if that is anything."""
    try:
        return client.bio_read(1 << 16)
    except SSL.WantReadError:
        return b""


def _known_suites() -> list[str]:
    return [
        name
        for name in SSL.Connection(_client(), None).get_cipher_list()
        if not name.startswith("TLS_")
    ]


@attack("tls: a weak suite")
@pytest.mark.parametrize("kind", KINDS)
def test_of_all_suites_of_tls_1_2_those_of_the_profile_are_spoken(kind: str) -> None:
    spoken = []
    for name in _known_suites():
        context = _client(SSL.TLS1_2_VERSION)
        context.set_cipher_list(f"{name}:@SECLEVEL=0".encode())
        if _negotiated(context, _server(kind)) is not None:
            spoken.append(name)
    assert sorted(spoken) == sorted(SUITES_1_2[kind])
    assert len(_known_suites()) > 20, "the client knows others to propose"


@attack("tls: a weak suite")
def test_of_all_suites_of_tls_1_3_those_of_the_profile_are_spoken() -> None:
    spoken = []
    for name in (*SUITES_1_3, *OTHER_SUITES_1_3):
        context = _client(SSL.TLS1_3_VERSION)
        context.set_tls13_ciphersuites(name.encode())
        if _negotiated(context, _server()) is not None:
            spoken.append(name)
    assert tuple(spoken) == SUITES_1_3


@attack("tls: a client that prefers the weaker suite")
@pytest.mark.parametrize("kind", KINDS)
def test_the_servers_order_of_suites_counts(kind: str) -> None:
    strongest, weaker = SUITES_1_2[kind]
    context = _client(SSL.TLS1_2_VERSION)
    context.set_cipher_list(f"{weaker}:{strongest}".encode())
    assert _negotiated(context, _server(kind)) == strongest
    context = _client(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(":".join(reversed(SUITES_1_3)).encode())
    assert _negotiated(context, _server(kind)) == SUITES_1_3[0]


@attack("tls: another curve")
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_of_all_curves_those_of_the_profile_are_spoken(version: int) -> None:
    # In 1.2 a certificate's own curve would have to be proposed too.
    server = _server("RSA" if version == SSL.TLS1_2_VERSION else "ECDSA")
    proposed, spoken = [], []
    for group in (*GROUPS, *OTHER_GROUPS):
        context = _client(version)
        if not _has_groups(context, group):
            continue
        proposed.append(group)
        if _negotiated(context, server) is not None:
            spoken.append(group)
    assert tuple(spoken) == GROUPS
    assert {"X25519", "X448", "ffdhe2048"} <= set(proposed)


def _agreed_group(first: str, *others: str) -> tuple[str, int]:
    """Return the group agreed on in TLS 1.3, and how many flights the client sent.

    The client's first hello holds a key of its ``first`` group alone.
    """
    context = _client(SSL.TLS1_3_VERSION)
    assert _has_groups(context, ":".join((first, *others)))
    client, session = SSL.Connection(context, None), TlsSession(_server())
    client.set_connect_state()
    flights = 0
    while not session.is_established:
        with suppress(SSL.WantReadError):
            client.do_handshake()
        session.feed(client.bio_read(1 << 16))
        flights += 1
        if output := session.take_output():
            client.bio_write(output)
    return client.get_group_name() or "", flights


@pytest.mark.parametrize("group", GROUPS)
def test_a_client_that_begins_with_a_group_of_the_profile_sends_one_hello(
    group: str,
) -> None:
    others = [each for each in GROUPS if each != group]
    assert _agreed_group(group, *others) == (OPENSSL_NAMES[group], 2)


def test_a_client_that_begins_with_another_group_is_asked_for_the_cheapest() -> None:
    assert _agreed_group("ffdhe2048", *reversed(GROUPS)) == ("x25519", 3)


# Hellos that no library would send any more


def _hello(
    version: int,
    *,
    suites: tuple[int, ...] = (0xC02C, 0xC02B),
    compression: bytes = b"\0",
    extensions: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """Write a ClientHello (RFC 5246, 7.4.1.2) in one record."""
    groups = struct.pack(">HHHH", 6, 25, 24, 23)
    algorithms = struct.pack(">HHHH", 6, 0x0403, 0x0503, 0x0603)
    usual = ((10, groups), (11, b"\x01\0"), (13, algorithms))
    said = b"".join(
        struct.pack(">HH", kind, len(data)) + data
        for kind, data in (*usual, *extensions)
    )
    codes = b"".join(struct.pack(">H", suite) for suite in suites)
    body = (
        struct.pack(">H", version)
        + bytes(32)
        + b"\0"
        + struct.pack(">H", len(codes))
        + codes
        + bytes((len(compression),))
        + compression
        + struct.pack(">H", len(said))
        + said
    )
    return _record(22, b"\x01" + len(body).to_bytes(3, "big") + body)


def _record(kind: int, data: bytes) -> bytes:
    return bytes((kind, 3, 1)) + struct.pack(">H", len(data)) + data


def _answer(*records: bytes) -> bytes:
    """Return what a server says to these, its last word included."""
    session = TlsSession(_server())
    try:
        for record in records:
            session.feed(record)
    except TlsFailure:
        assert session.is_failed
    return session.take_output()


def _server_hello(*records: bytes) -> bytes:
    answer = _answer(*records)
    assert answer[0] == 22, answer
    assert answer[5] == 2, answer
    size = int.from_bytes(answer[6:9], "big")
    return answer[9 : 9 + size]


ALERT_HANDSHAKE = b"\x02\x28"
ALERT_VERSION = b"\x02\x46"
ALERT_FALLBACK = b"\x02\x56"


@attack("tls: an older version")
@pytest.mark.parametrize("version", [0x0002, 0x0300, 0x0301, 0x0302])
def test_an_older_version_is_refused(version: int) -> None:
    # SSL 3.0 has no alert for it, says an OpenSSL that knows SSL 3.0.
    knows = version == 0x0300 and _major_of_openssl() < 4
    alert = ALERT_HANDSHAKE if knows else ALERT_VERSION
    assert _answer(_hello(version))[5:] == alert


def _major_of_openssl() -> int:
    return SSL.OPENSSL_VERSION_NUMBER >> 28


@attack("tls: an older version")
def test_a_hello_of_ssl_2_is_refused() -> None:
    hello = b"\x01\x03\x01\0\x03\0\0\0\x10\x01\0\x80" + bytes(16)
    answer = _answer(struct.pack(">H", 0x8000 | len(hello)) + hello)
    assert answer == b"" or answer[0] == 21


def test_the_same_hello_of_tls_1_2_is_answered() -> None:
    """So the others are refused for what is wrong with them."""
    assert _server_hello(_hello(0x0303))[:2] == b"\x03\x03"


@attack("tls: a forced fallback to an older version")
def test_a_fallback_that_was_provoked_is_noticed() -> None:
    assert _answer(_hello(0x0303, suites=(0xC02C, 0x5600)))[5:] == ALERT_FALLBACK


def _after_session_id(hello: bytes) -> bytes:
    return hello[35 + hello[34] :]


@attack("tls: compression")
def test_no_compression_is_agreed_on() -> None:
    hello = _server_hello(_hello(0x0303, compression=b"\x01\0"))
    assert _after_session_id(hello)[2] == 0


@attack("tls: a heartbeat")
def test_no_heartbeat_is_agreed_on() -> None:
    hello = _server_hello(_hello(0x0303, extensions=((15, b"\x01"),)))
    said = _after_session_id(hello)[5:]
    kinds = []
    while said:
        kind, size = struct.unpack(">HH", said[:4])
        kinds.append(kind)
        said = said[4 + size :]
    assert kinds
    assert 15 not in kinds


@attack("tls: a heartbeat")
def test_a_heartbeat_that_was_not_agreed_on_ends_the_session() -> None:
    beat = _record(24, b"\x01\x40\0")
    session = TlsSession(_server())
    session.feed(_hello(0x0303))
    session.take_output()
    with pytest.raises(TlsFailure):
        session.feed(beat)


@attack("tls: resumption")
def test_a_ticket_is_neither_given_nor_taken() -> None:
    hello = _server_hello(_hello(0x0303, extensions=((35, bytes(200)),)))
    assert struct.pack(">HH", 35, 0) not in _after_session_id(hello)


@attack("tls: a handshake message larger than any")
@pytest.mark.parametrize("size", [1 << 18, (1 << 24) - 1])
def test_a_handshake_message_larger_than_any_is_refused_at_its_head(size: int) -> None:
    head = b"\x01" + size.to_bytes(3, "big")
    session = TlsSession(_server())
    with pytest.raises(TlsFailure):
        session.feed(_record(22, head + bytes(100)))


@attack("tls: a flood of warnings")
def test_a_flood_of_warnings_ends_the_session() -> None:
    session = TlsSession(_server())
    with pytest.raises(TlsFailure):
        session.feed(20 * _record(21, b"\x01\x5a"))
