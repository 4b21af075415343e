"""Extensions of certificates."""

from ccfpy.crypto.certs import extended_key_usages, parse_bundle, raw_extension
from tests.unit.attestation.hardware import chain_of

CHIP, INTERMEDIATE, _ = parse_bundle(chain_of("milan"))


def test_an_extension_of_another_world_is_bytes() -> None:
    assert raw_extension(CHIP, "1.3.6.1.4.1.3704.1.3.8") == bytes.fromhex("020200db")
    assert raw_extension(CHIP, "1.3.6.1.4.1.3704.1.9") is None


def test_an_extension_that_the_library_knows_is_not() -> None:
    assert raw_extension(INTERMEDIATE, "2.5.29.19") is None


def test_a_key_without_a_named_use_has_none() -> None:
    assert extended_key_usages(CHIP) == frozenset()
