"""Signatures of whole bytes, at the end of what is signed."""

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.crypto.certs import check_whole

SIGNATURE = bytes.fromhex("3006020101020100")


def test_a_signature_all_of_whose_bits_count_is_whole() -> None:
    check_whole(b"signed\3\x09\0" + SIGNATURE, SIGNATURE, of="it")


@pytest.mark.parametrize("unused", range(1, 8))
def test_one_whose_last_bits_do_not_count_is_not(unused: int) -> None:
    der = b"signed\3\x09" + bytes([unused]) + SIGNATURE
    with pytest.raises(VerificationFailed, match=r"^it has a signature of odd length$"):
        check_whole(der, SIGNATURE, of="it")


def test_what_ends_otherwise_is_refused() -> None:
    with pytest.raises(VerificationFailed, match="odd length"):
        check_whole(b"\0" + SIGNATURE + b"\0", SIGNATURE, of="it")
