"""A ledger secret sealed to a platform, in CCF's form."""

import base64
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto.aead import AesGcm
from ccfpy.ledger.sealed_secret import SealedSecret
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.testing.entropy import SeededEntropy

KEY = b"\x05" * 32
TCB = bytes.fromhex("0300000000000873")
SECRET = LedgerSecret(raw=b"\x0a" * 32, previous_stored=12)


def sealed(secret: LedgerSecret = SECRET, version: int = 13) -> SealedSecret:
    return SealedSecret.seal(
        version, secret, tcb_version=TCB, key=KEY, entropy=SeededEntropy(1)
    )


def key_for(tcb_version: bytes) -> bytes:
    assert tcb_version == TCB
    return KEY


@pytest.mark.parametrize("stored", [None, 12])
def test_a_secret_opens_again_from_its_file(stored: int | None) -> None:
    secret = LedgerSecret(raw=SECRET.raw, previous_stored=stored)
    file = sealed(secret).serialise()
    assert secret.raw not in file
    assert base64.b64encode(secret.raw) not in file
    assert SealedSecret.parse(file).unseal(13, key_for) == secret


def test_a_file_has_the_form_of_ccfs() -> None:
    """Written out by hand from ``src/node/local_sealing.h``."""
    fields = json.loads_object(sealed().serialise())
    assert fields.keys() == {"ciphertext", "aad_text"}
    aad = str(fields["aad_text"])
    assert json.loads(aad) == {"version": 13, "tcb_version": "7308000000000003"}
    blob = base64.b64decode(str(fields["ciphertext"]))
    text = AesGcm(KEY).decrypt(blob[16:28], blob[28:], blob[:16], aad.encode())
    assert json.loads(text) == {
        "raw_key": base64.b64encode(SECRET.raw).decode(),
        "previous_secret_stored_version": 12,
    }


def test_a_secret_is_the_one_of_its_version_and_key_alone() -> None:
    with pytest.raises(
        VerificationFailed, match="13 does not match expected version 9"
    ):
        sealed().unseal(9, key_for)
    with pytest.raises(VerificationFailed, match="tag does not match"):
        sealed().unseal(13, lambda _: b"\x06" * 32)


@given(at=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_no_byte_can_be_changed(at: int, flip: int) -> None:
    file = bytearray(sealed().serialise())
    file[at % len(file)] ^= flip
    with suppress(CcfpyError, AssertionError):
        # A change of what is no part of the value, such as a key's spelling, is refused
        # too; nothing but the same secret can come out.
        assert SealedSecret.parse(bytes(file)).unseal(13, key_for) == SECRET
        pytest.fail("a changed file opened")


@pytest.mark.parametrize(
    ("aad", "match"),
    [
        ("", "JSON"),
        ("[]", "object"),
        ("{}", "version"),
        ('{"version": 13}', "tcb_version"),
        ('{"version": 13, "tcb_version": "xy"}', "not hex"),
        ('{"version": 13, "tcb_version": "00"}', "1 bytes"),
        ('{"version": 0, "tcb_version": "0000000000000000"}', "version"),
    ],
)
def test_what_is_authenticated_must_be_in_its_form(aad: str, match: str) -> None:
    with pytest.raises(Malformed, match=match):
        replace(sealed(), aad_text=aad).unseal(13, key_for)


@pytest.mark.parametrize("size", [0, 27])
def test_a_blob_has_a_header(size: int) -> None:
    with pytest.raises(Malformed, match="lacks its header"):
        replace(sealed(), ciphertext=bytes(size)).unseal(13, key_for)


@pytest.mark.parametrize("raw", [b"", b"short", b"x" * 33])
def test_a_secret_has_its_length(raw: bytes) -> None:
    aad = sealed().aad_text
    text = json.dumps({"raw_key": base64.b64encode(raw).decode()})
    ciphertext, tag = AesGcm(KEY).encrypt(bytes(12), text, aad.encode())
    made = SealedSecret(ciphertext=tag + bytes(12) + ciphertext, aad_text=aad)
    with pytest.raises(Malformed):
        made.unseal(13, key_for)


@pytest.mark.parametrize("file", [b"", b"[]", b"{}", b'{"ciphertext": "AA=="}'])
def test_what_is_no_sealed_secret_is_refused(file: bytes) -> None:
    with pytest.raises(Malformed):
        SealedSecret.parse(file)
