"""Hostile certificates are what they should be: real, long, and dear."""

import ssl
from itertools import pairwise
from pathlib import Path

import pytest

from ccfpy.client.keys import OsEntropy
from ccfpy.crypto.certs import Certificate, parse_bundle
from ccfpy.crypto.ec import Curve, KeyPair
from tests.lab.attacks.chains import (
    CHAIN_CERTIFICATES,
    MODULUS,
    PRIVATE_EXPONENT,
    PUBLIC_EXPONENT,
    hostile_chain,
    sign,
)

KEY = KeyPair.generate(OsEntropy(), Curve.SECP256R1)
CHAIN = hostile_chain(KEY)
OPENSSL_CHAIN_BYTES_MAX = 100 * 1024
OPENSSL_MODULUS_BITS_MAX = 3072
"""OpenSSL takes exponents of more than 64 bits with no longer a modulus than this."""


def test_a_chain_is_as_long_as_openssl_takes() -> None:
    chain = parse_bundle(CHAIN)
    assert len(chain) == CHAIN_CERTIFICATES
    size = sum(len(ssl.PEM_cert_to_DER_cert(each.pem)) for each in chain)
    assert 0.9 * OPENSSL_CHAIN_BYTES_MAX < size < OPENSSL_CHAIN_BYTES_MAX
    assert chain[0].public_key == KEY.public_key


def test_exponents_are_as_long_as_the_modulus() -> None:
    assert MODULUS.bit_length() <= OPENSSL_MODULUS_BITS_MAX
    assert PUBLIC_EXPONENT.bit_length() > MODULUS.bit_length() - 16


def test_signatures_verify_by_the_public_exponent() -> None:
    signed = pow(int.from_bytes(sign(b"x"), "big"), PUBLIC_EXPONENT, MODULUS)
    assert signed.to_bytes(381, "big").startswith(b"\0\1\xff\xff")
    assert pow(pow(2, PRIVATE_EXPONENT, MODULUS), PUBLIC_EXPONENT, MODULUS) == 2


@pytest.mark.slow
def test_each_certificate_is_issued_by_the_next() -> None:
    chain = parse_bundle(CHAIN)
    names = [each.library_certificate for each in chain]
    for this, following in pairwise(names):
        assert this.issuer == following.subject
        this.verify_directly_issued_by(following)


def test_a_client_can_show_it(tmp_path: Path) -> None:
    certificates, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificates.write_text(CHAIN)
    key.write_text(KEY.pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificates, key)
    assert Certificate.from_pem(CHAIN).public_key == KEY.public_key
