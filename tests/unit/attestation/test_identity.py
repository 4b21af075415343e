"""The identity of an enclave, as a record."""

from dataclasses import replace

import pytest

from ccfpy.attestation.identity import EnclaveIdentity, signer_id_of
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import ENCLAVE_NUMBER_MAX
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.attestation.simulation import ENCLAVE


def test_a_record_is_read_back() -> None:
    highest = replace(
        ENCLAVE,
        product_id=ENCLAVE_NUMBER_MAX,
        security_version=ENCLAVE_NUMBER_MAX,
        debug=True,
    )
    for identity in (ENCLAVE, highest):
        assert EnclaveIdentity.read(identity.fields()) == identity


@pytest.mark.parametrize(
    "change",
    [
        {"unique_id": "01"},
        {"signer_id": 3},
        {"product_id": ENCLAVE_NUMBER_MAX + 1},
        {"security_version": -1},
        {"debug": 0},
    ],
)
def test_what_is_no_identity_is_refused(change: JsonObject) -> None:
    with pytest.raises(Malformed):
        EnclaveIdentity.read(ENCLAVE.fields() | change)


def test_a_signer_is_known_by_the_key() -> None:
    keys = [
        KeyPair.generate(SeededEntropy(n), Curve.SECP384R1).public_key for n in (1, 2)
    ]
    assert len({signer_id_of(key) for key in keys}) == 2
    assert {len(signer_id_of(key)) for key in keys} == {32}
