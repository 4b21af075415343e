"""The operating system behind the ports."""

from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.enclave.ports import SystemClock, SystemEntropy


def test_random_bytes_are_as_many_as_asked_and_never_the_same() -> None:
    entropy = SystemEntropy()
    assert entropy.random_bytes(0) == b""
    assert len(entropy.random_bytes(33)) == 33
    assert entropy.random_bytes(32) != entropy.random_bytes(32)


def test_an_rsa_key_is_one_that_unwraps() -> None:
    key = RsaKeyPair.from_der(SystemEntropy().rsa_private_key(2048))
    assert key.unwrap(key.public_key.wrap(b"share")) == b"share"


def test_the_clock_does_not_go_back() -> None:
    clock = SystemClock()
    assert clock.monotonic_ns() <= clock.monotonic_ns()
