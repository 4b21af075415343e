"""The enclaves that can open a sealed text, and all those that cannot."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.toolkit.enclave.platform import SealPolicy, seal, unseal
from tests.unit.attestation.simulation import (
    ENCLAVE,
    LATER,
    MACHINE,
    SECOND_MACHINE,
    TCB_VERSION,
    raised,
)

UNIQUE, SIGNER = SealPolicy.UNIQUE, SealPolicy.SIGNER
PLAIN, AAD = b"a secret", b"for what"


def sealed(
    policy: SealPolicy,
    identity: EnclaveIdentity = ENCLAVE,
    machine: SimulatedMachine = MACHINE,
) -> bytes:
    return seal(
        PLAIN,
        policy=policy,
        aad=AAD,
        machine=machine,
        identity=identity,
        entropy=SeededEntropy(1),
    )


def opens(
    text: bytes,
    identity: EnclaveIdentity = ENCLAVE,
    machine: SimulatedMachine = MACHINE,
    aad: bytes = AAD,
) -> bool:
    try:
        return unseal(text, aad=aad, machine=machine, identity=identity) == PLAIN
    except VerificationFailed:
        return False


@pytest.mark.parametrize(
    ("policy", "who", "does"),
    [
        (UNIQUE, ENCLAVE, True),
        (SIGNER, ENCLAVE, True),
        # A later version of the same product.
        (UNIQUE, LATER, False),
        (SIGNER, LATER, True),
        # The same code, signed again.
        (UNIQUE, replace(ENCLAVE, security_version=4), True),
        (UNIQUE, replace(ENCLAVE, signer_id=bytes(32)), False),
        # An older version, whatever else is the same.
        (UNIQUE, replace(ENCLAVE, security_version=2), False),
        (SIGNER, replace(LATER, security_version=2), False),
        # Others of the same signer, and of other signers.
        (SIGNER, replace(ENCLAVE, product_id=8), False),
        (SIGNER, replace(ENCLAVE, signer_id=bytes(32)), False),
        # An enclave that can be debugged.
        (UNIQUE, replace(ENCLAVE, debug=True), False),
        (SIGNER, replace(ENCLAVE, debug=True), False),
    ],
)
def test_who_opens_what(
    policy: SealPolicy, who: EnclaveIdentity, *, does: bool
) -> None:
    assert opens(sealed(policy), who) is does


@pytest.mark.parametrize("policy", SealPolicy)
def test_a_version_cannot_be_talked_down(policy: SealPolicy) -> None:
    """The key is of the version that the text states, so a lie gives a wrong key."""
    fields = json.loads_object(sealed(policy, LATER))
    lie = json.dumps(fields | {"security_version": 3})
    assert not opens(lie, ENCLAVE)
    assert not opens(lie, LATER)


@pytest.mark.parametrize("policy", SealPolicy)
def test_it_opens_on_its_machine_alone_and_not_on_it_taken_back(
    policy: SealPolicy,
) -> None:
    newer = MACHINE.updated(raised(TCB_VERSION))
    assert not opens(sealed(policy), machine=SECOND_MACHINE)
    assert opens(sealed(policy), machine=newer)
    assert not opens(sealed(policy, machine=newer), machine=MACHINE)


@pytest.mark.parametrize("policy", SealPolicy)
def test_what_goes_with_it_must_be_the_same(policy: SealPolicy) -> None:
    assert not opens(sealed(policy), aad=b"")
    assert not opens(sealed(policy), aad=AAD + b"x")


def test_a_policy_cannot_be_widened() -> None:
    fields = json.loads_object(sealed(UNIQUE))
    assert not opens(json.dumps(fields | {"policy": "signer"}), LATER)
    assert not opens(json.dumps(fields | {"policy": "signer"}), ENCLAVE)


@given(st.integers(0, len(sealed(SIGNER)) - 1), st.integers(1, 255))
def test_no_byte_of_it_can_change(at: int, by: int) -> None:
    text = bytearray(sealed(SIGNER))
    text[at] ^= by
    try:
        # Base64 has spare bits nowhere here, and JSON white space nowhere.
        opened = unseal(bytes(text), aad=AAD, machine=MACHINE, identity=ENCLAVE)
    except CcfpyError:
        return
    raise AssertionError(opened)


def test_the_text_shows_nothing_of_what_is_in_it_and_warns() -> None:
    text = sealed(SIGNER)
    assert PLAIN not in text
    assert b"Insecure simulated platform" in text
    again = seal(
        PLAIN,
        policy=SIGNER,
        aad=AAD,
        machine=MACHINE,
        identity=ENCLAVE,
        entropy=SeededEntropy(2),
    )
    assert again != text
