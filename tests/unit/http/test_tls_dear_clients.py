"""What a stranger's certificates can cost a server before it knows whose they are.

Measured on the reference machine, of the server's CPU: 74 certificates of RSA keys with
exponents of 3072 bits took 464 ms through pyOpenSSL and 640 ms through ``ssl`` while
their signatures were checked; 1 ms now, in which they are refused. A client's one
certificate takes 2 ms, and the longest chain that is taken 2 to 3 ms.
"""

import contextlib
import math
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ccfpy.base.limits import (
    CLIENT_CHAIN_CERTIFICATES_MAX,
    CLIENT_HANDSHAKE_BYTES_MAX,
    RSA_BITS_MAX,
    RSA_EXPONENT_BITS_MAX,
)
from ccfpy.http.tls import ServerContext, TlsFailure, TlsSession
from tests.attacks import attack
from tests.unit.http.dear_certificates import (
    CHAIN,
    certificate,
    chain_files,
    dear_public_key,
    rsa_key,
    shows,
    write_files,
)
from tests.unit.http.tls_ends import NODE, VERSIONS, Client

COST_MS_MAX = 100
"""Of a handshake that takes a hundredth of it, on a machine that is busy."""
MERSENNE = [(1 << exponent) - 1 for exponent in (3217, 4253, 4423)]
"""Primes that need no search."""


class Handshake:
    """A client's handshake with a server that asks for its certificate."""

    def __init__(
        self,
        files: Path,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> None:
        context = ServerContext(NODE.pem, NODE.key_pem)
        client = Client(setup=shows(files, version))
        self.server = TlsSession(context)
        self.sent = 0
        self.cpu_ms = 0.0
        self.is_refused = False
        for _ in range(4):
            with contextlib.suppress(ssl.SSLWantReadError):
                client.tls.do_handshake()
            data = client.outgoing.read()
            self.sent += len(data)
            start = time.process_time()
            try:
                self.server.feed(data)
            except TlsFailure:
                self.is_refused = True
                return
            finally:
                self.cpu_ms += 1000 * (time.process_time() - start)
            client.incoming.write(self.server.take_output())


@pytest.fixture(scope="module")
def usual_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@attack("tls: a chain of certificates that are expensive to check")
@VERSIONS
def test_a_chain_of_dear_keys_is_refused_at_no_cost(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    files = chain_files(tmp_path / "client.pem", CHAIN, dear_public_key())
    tries = [Handshake(files, version) for _ in range(3)]
    assert all(it.is_refused for it in tries)
    assert min(it.cpu_ms for it in tries) < COST_MS_MAX


@attack("tls: a chain of certificates that are expensive to check")
@VERSIONS
def test_a_chain_may_be_so_long_and_none_of_its_signatures_is_checked(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    length = CLIENT_CHAIN_CERTIFICATES_MAX
    longest = chain_files(tmp_path / "longest.pem", length, dear_public_key())
    served = Handshake(longest, version)
    assert served.server.is_established
    # To check them would take longer: 60 ms, on a machine that does nothing else.
    assert min(Handshake(longest, version).cpu_ms for _ in range(5)) < 30
    longer = chain_files(tmp_path / "longer.pem", length + 1, dear_public_key())
    assert Handshake(longer, version).is_refused


@attack("tls: a handshake that goes on and on")
def test_a_handshake_may_have_so_many_bytes(
    usual_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    def shake(padding_bytes: int) -> Handshake:
        # By RSA, whose signatures are of one length.
        own = certificate(0, usual_key.public_key(), padding_bytes=padding_bytes)
        path = write_files(tmp_path / f"{padding_bytes}.pem", usual_key, own)
        return Handshake(path)

    padding = CLIENT_HANDSHAKE_BYTES_MAX - 4096
    padding += CLIENT_HANDSHAKE_BYTES_MAX - shake(padding).sent
    longest, longer = shake(padding), shake(padding + 1)
    assert longest.sent == CLIENT_HANDSHAKE_BYTES_MAX
    assert longest.server.is_established
    assert longest.server.peer_certificate_der == _der_in(tmp_path / f"{padding}.pem")
    assert longer.sent == CLIENT_HANDSHAKE_BYTES_MAX + 1
    assert longer.is_refused


def _der_in(path: Path) -> bytes:
    """Return the first certificate of a file, in DER."""
    own = x509.load_pem_x509_certificate(path.read_bytes())
    return own.public_bytes(serialization.Encoding.DER)


def _is_done(client: Client) -> bool:
    """Go on with a client's handshake; return whether the client has ended it."""
    try:
        client.tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def test_what_comes_with_the_last_of_a_handshake_is_not_of_it() -> None:
    server = TlsSession(ServerContext(NODE.pem, NODE.key_pem))
    client = Client()
    while not _is_done(client):
        server.feed(client.outgoing.read())
        client.incoming.write(server.take_output())
    request = bytes(2 * CLIENT_HANDSHAKE_BYTES_MAX)
    assert server.feed(client.outgoing.read() + client.send(request)) == request


def test_a_hello_that_never_ends_is_refused() -> None:
    server = TlsSession(ServerContext(NODE.pem, NODE.key_pem))
    record = b"\x16\x03\x01\x40\x00"
    hello = record + b"\x01\x01\x90\x00\x03\x03" + bytes(0x4000 - 6)
    fed = 0
    with contextlib.suppress(TlsFailure):
        while fed <= CLIENT_HANDSHAKE_BYTES_MAX:
            fed += len(hello)
            server.feed(hello if fed == len(hello) else record + bytes(0x4000))
    assert server.is_failed
    assert server.feed(hello) == b""


def _exponent_of(bits: int, key: rsa.RSAPrivateKey) -> int:
    """Find an exponent of such a length that a key can have."""
    numbers = key.private_numbers()
    order = (numbers.p - 1) * (numbers.q - 1)
    return next(e for e in range((1 << bits) - 1, 0, -2) if math.gcd(e, order) == 1)


@attack("tls: a client's certificate of a key that is expensive to check")
@VERSIONS
@pytest.mark.parametrize("is_dear", [False, True], ids=["allowed", "dear"])
def test_a_clients_own_key_may_have_so_long_an_exponent(
    version: ssl.TLSVersion,
    is_dear: bool,
    usual_key: rsa.RSAPrivateKey,
    tmp_path: Path,
) -> None:
    numbers = usual_key.private_numbers()
    exponent = _exponent_of(RSA_EXPONENT_BITS_MAX + is_dear, usual_key)
    key = rsa_key(numbers.p, numbers.q, exponent)
    own = certificate(0, key.public_key())
    shaken = Handshake(write_files(tmp_path / "c.pem", key, own), version)
    assert shaken.is_refused is is_dear
    assert shaken.server.is_established is not is_dear


@attack("tls: a client's certificate of a key that is expensive to check")
@VERSIONS
@pytest.mark.parametrize("is_dear", [False, True], ids=["allowed", "dear"])
def test_a_clients_own_key_may_have_so_long_a_modulus(
    version: ssl.TLSVersion, is_dear: bool, tmp_path: Path
) -> None:
    smaller, middle, larger = MERSENNE
    p, q = (middle, larger) if is_dear else (smaller, middle)
    exponent = next(
        e for e in range(65537, 1 << 17, 2) if math.gcd(e, (p - 1) * (q - 1)) == 1
    )
    key = rsa_key(p, q, exponent)
    assert (key.key_size > RSA_BITS_MAX) is is_dear
    own = certificate(0, key.public_key())
    shaken = Handshake(write_files(tmp_path / "c.pem", key, own), version)
    assert shaken.is_refused is is_dear
