"""TLS over memory, against the standard library's own and against itself."""

import itertools
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from ccfpy.base.errors import Malformed
from ccfpy.http.tls import (
    HTTP_2,
    ServerContext,
    TlsFailure,
    TlsSession,
    _RecordCounter,
)
from tests.attacks import attack
from tests.unit.http.tls_ends import (
    NODE,
    SERVICE,
    USER,
    VERSIONS,
    Client,
    Identity,
    make_identity,
)


@pytest.fixture
def user_files(tmp_path: Path) -> Path:
    path = tmp_path / "user.pem"
    path.write_text(USER.pem + USER.key_pem)
    return path


@cache
def _shared_server() -> ServerContext:
    return _server()


def _server() -> ServerContext:
    return ServerContext(NODE.pem, NODE.key_pem)


@VERSIONS
def test_a_client_without_a_certificate_is_served(version: ssl.TLSVersion) -> None:
    server = TlsSession(_server())
    assert not server.is_established
    client = Client(setup=lambda c: setattr(c, "maximum_version", version))
    client.shake_hands(server)
    assert server.peer_certificate_der is None
    assert server.feed(client.send(b"ping")) == b"ping"
    server.write(b"pong")
    assert client.receive(server) == b"pong"
    assert client.tls.version() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]


@VERSIONS
def test_a_client_with_an_unknown_certificate_is_served_and_named(
    version: ssl.TLSVersion, user_files: Path
) -> None:
    def setup(context: ssl.SSLContext) -> None:
        context.maximum_version = version
        context.load_cert_chain(user_files)

    server = TlsSession(_server())
    Client(setup=setup).shake_hands(server)
    assert server.peer_certificate_der == USER.der


def test_large_messages_pass_both_ways_in_any_pieces() -> None:
    server = TlsSession(_server())
    client = Client()
    client.shake_hands(server)
    data = bytes(range(256)) * 4096
    ciphertext = client.send(data)
    received = []
    position = 0
    for size in (1, 4, 5, 6, 100, 16_000, 17_000, 50_000, 2_000_000):
        received.append(server.feed(ciphertext[position : position + size]))
        position += size
    assert b"".join(received) == data
    server.write(data)
    assert client.receive(server) == data


def test_an_answer_of_exactly_one_read_arrives_whole() -> None:
    server = TlsSession(_server())
    client = Client()
    client.shake_hands(server)
    for size in range(17 * 1024 - 64, 17 * 1024):
        server.write(b"x" * size)
        assert client.receive(server) == b"x" * size
    assert server.take_output() == b""


def test_a_request_that_comes_with_the_handshake_is_read() -> None:
    server = TlsSession(_server())
    client = Client()
    while not server.is_established:
        try:
            client.tls.do_handshake()
        except ssl.SSLWantReadError:
            server.feed(client.outgoing.read())
            client.incoming.write(server.take_output())
        else:
            client.tls.write(b"early")
            assert server.feed(client.outgoing.read()) == b"early"


def test_several_records_in_one_delivery_are_all_read() -> None:
    server = TlsSession(_server())
    client = Client()
    client.shake_hands(server)
    assert server.feed(client.send(b"a") + client.send(b"b") + client.send(b"c")) == (
        b"abc"
    )
    assert server.feed(b"") == b""


def test_what_many_heard_is_read_of_each_later() -> None:
    """As the stages of a step do: also behind one that cannot be understood."""
    ends = [(TlsSession(_shared_server()), Client()) for _ in range(4)]
    for server, client in ends:
        client.shake_hands(server)
    whole = [client.send(b"of %d" % i) for i, (_, client) in enumerate(ends)]
    said = [whole[0], b"\x17\x03\x03\x00\x01x", whole[2][:9], whole[3] + whole[3][:4]]
    for (server, _), data in zip(ends, said, strict=True):
        server.hear(data)
    assert ends[0][0].read() == b"of 0"
    with pytest.raises(TlsFailure):
        ends[1][0].read()
    assert ends[2][0].read() == b""
    assert ends[3][0].read() == b"of 3"
    assert ends[2][0].feed(whole[2][9:]) == b"of 2"
    assert all(server.read() == b"" for server, _ in ends), "each byte is read once"


def test_nothing_is_written_of_nothing() -> None:
    server = TlsSession(_server())
    Client().shake_hands(server)
    server.write(b"")
    assert server.take_output() == b""


@attack("tls: bytes that are no TLS")
@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\xff\xff" * 9]
)
def test_what_is_not_tls_is_refused(data: bytes) -> None:
    server = TlsSession(_server())
    with pytest.raises(TlsFailure):
        server.feed(data)
    assert server.is_failed
    assert server.feed(data) == b""


@attack("tls: a changed record")
def test_a_changed_record_ends_the_session_with_an_alert() -> None:
    server = TlsSession(_server())
    client = Client()
    client.shake_hands(server)
    record = bytearray(client.send(b"secret"))
    record[-1] ^= 1
    with pytest.raises(TlsFailure):
        server.feed(bytes(record))
    client.incoming.write(server.take_output())
    with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
        client.tls.read(1)
    with pytest.raises(TlsFailure):
        server.write(b"more")
    server.close()


@pytest.mark.slow
@given(st.binary(min_size=1, max_size=300), st.booleans())
def test_random_bytes_raise_only_what_is_documented(data: bytes, after: bool) -> None:
    server = TlsSession(_shared_server())
    if after:
        client = Client()
        client.shake_hands(server)
    try:
        server.feed(data)
    except TlsFailure:
        assert server.is_failed


def _only_chacha(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")


def _only_cbc(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-SHA384")


def _only_x448(context: ssl.SSLContext) -> None:
    context.set_ecdh_curve("X448")


@pytest.mark.parametrize("setup", [_only_chacha, _only_cbc, _only_x448])
def test_what_is_outside_the_profile_is_not_negotiated(
    setup: Callable[[ssl.SSLContext], None],
) -> None:
    with pytest.raises(TlsFailure):
        Client(setup=setup).shake_hands(TlsSession(_server()))


@attack("tls: an older version")
def test_tls_1_1_is_refused() -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_min_proto_version(SSL.TLS1_1_VERSION)
    context.set_max_proto_version(SSL.TLS1_1_VERSION)
    client = SSL.Connection(context, None)
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    with pytest.raises(TlsFailure, match=r"(?i)protocol"):
        TlsSession(_server()).feed(client.bio_read(5000))


def test_the_server_chooses_the_suite() -> None:
    def setup(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
        )

    client = Client(setup=setup)
    client.shake_hands(TlsSession(_server()))
    cipher = client.tls.cipher()
    assert cipher is not None
    assert cipher[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["h2", "http/1.1"], "http/1.1"), (["h2"], None)],
)
def test_alpn_settles_on_http_1_1_or_nothing(
    offered: list[str], chosen: str | None
) -> None:
    server = TlsSession(_server())
    client = Client(setup=lambda c: c.set_alpn_protocols(offered))
    client.shake_hands(server)
    assert client.tls.selected_alpn_protocol() == chosen
    assert server.protocol == (chosen or "").encode()


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["http/1.1", "h2"], "h2"), (["http/1.1"], None), ([], None)],
)
def test_where_http_2_is_spoken_alpn_settles_on_it_or_nothing(
    offered: list[str], chosen: str | None
) -> None:
    context = ServerContext(NODE.pem, NODE.key_pem, protocols=(HTTP_2,))
    client = Client(setup=lambda c: c.set_alpn_protocols(offered) if offered else None)
    server = TlsSession(context)
    client.shake_hands(server)
    assert client.tls.selected_alpn_protocol() == chosen
    assert server.protocol == (chosen or "").encode()


@attack("tls: resumption")
@VERSIONS
def test_sessions_are_never_resumed(version: ssl.TLSVersion) -> None:
    context = _server()
    client = Client(setup=lambda c: setattr(c, "maximum_version", version))
    server = TlsSession(context)
    client.shake_hands(server)
    server.write(b"x")
    assert client.receive(server) == b"x"
    second = Client(context=client.context, session=client.tls.session)
    second.shake_hands(TlsSession(context))
    assert not second.tls.session_reused


@attack("tls: renegotiation")
def test_renegotiation_is_refused() -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    client = SSL.Connection(context, None)
    client.set_connect_state()
    server = TlsSession(_server())
    for _ in range(3):
        try:
            client.do_handshake()
        except SSL.WantReadError:
            server.feed(client.bio_read(50_000))
            client.bio_write(server.take_output())
    assert server.is_established
    client.renegotiate()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    assert server.feed(client.bio_read(50_000)) == b""
    client.bio_write(server.take_output())
    with pytest.raises(SSL.Error, match=r"(?i)no.renegotiation"):
        client.do_handshake()


def test_a_new_certificate_is_for_new_sessions() -> None:
    context = _server()
    before, client = TlsSession(context), Client()
    client.shake_hands(before)
    renewed = make_identity(
        "CCF Node", issuer=SERVICE, sans=(x509.DNSName("x"), *_san_of(NODE))
    )
    context.replace(renewed.pem, renewed.key_pem)
    assert before.feed(client.send(b"still here")) == b"still here"
    later = Client()
    later.shake_hands(TlsSession(context))
    assert later.tls.getpeercert(binary_form=True) == renewed.der
    assert client.tls.getpeercert(binary_form=True) == NODE.der


def _san_of(identity: Identity) -> tuple[x509.GeneralName, ...]:
    extension = identity.certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return tuple(extension.value)


def test_the_whole_chain_is_presented() -> None:
    root = make_identity("root", is_ca=True)
    middle = make_identity("middle", issuer=root, is_ca=True)
    node = make_identity("node", issuer=middle, sans=_san_of(NODE))
    server = TlsSession(ServerContext(node.pem + middle.pem, node.key_pem))
    context = ssl.create_default_context(cadata=root.pem)
    Client(context=context).shake_hands(server)


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("", NODE.key_pem),
        ("nonsense", NODE.key_pem),
        (NODE.pem.replace("\nMII", "\nMIX", 1), NODE.key_pem),
        (NODE.pem, ""),
        (NODE.pem, "nonsense"),
        (NODE.pem, USER.key_pem),
    ],
    ids=["none", "not PEM", "damaged", "no key", "no PEM key", "another's key"],
)
def test_an_identity_that_cannot_work_is_refused(certificate: str, key: str) -> None:
    with pytest.raises(Malformed):
        ServerContext(certificate, key)


def test_closing_tells_the_client() -> None:
    server = TlsSession(_server())
    client = Client()
    client.shake_hands(server)
    server.write(b"bye")
    server.close()
    assert client.receive(server) == b"bye"
    assert client.tls.read(1) == b""  # an end, where silence would raise


def test_closing_twice_tells_the_client_once() -> None:
    server = TlsSession(_server())
    Client().shake_hands(server)
    server.close()
    assert server.take_output()
    server.close()
    assert server.take_output() == b""
    assert not server.is_failed


def test_closing_before_the_handshake_is_harmless() -> None:
    server = TlsSession(_server())
    server.close()
    assert server.take_output() == b""


def test_a_client_that_closes_is_noticed_and_may_still_be_answered() -> None:
    server = TlsSession(_server())
    client = Client()
    client.shake_hands(server)
    request = client.send(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    assert server.feed(request + client.outgoing.read()) == b"last"
    assert server.is_closed_by_peer
    server.write(b"answer")
    assert server.take_output()
    server.close()


@given(
    st.lists(st.binary(max_size=40), max_size=6),
    st.lists(st.integers(0, 200), max_size=5),
)
def test_records_are_counted_however_they_arrive(
    payloads: list[bytes], cuts: list[int]
) -> None:
    records = [b"\x17\x03\x03" + len(p).to_bytes(2, "big") + p for p in payloads]
    stream = b"".join(records)
    edges = [0, *sorted(min(c, len(stream)) for c in cuts), len(stream)]
    counter = _RecordCounter()
    total = 0
    ends = set()
    position = 0
    for record in records:
        position += len(record)
        ends.add(position)
    for start, end in itertools.pairwise(edges):
        counted = counter.count(stream[start:end])
        assert counted == len({e for e in ends if start < e <= end})
        total += counted
    assert total == len(records)
