"""A developer's word for a bundle: read back whole, and nothing else passes."""

import pytest

from ccfpy.attestation.identity import EnclaveIdentity, signer_id_of
from ccfpy.attestation.manifest import MANIFEST, Manifest
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json
from ccfpy.base.limits import ENCLAVE_NUMBER_MAX
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.attestation.test_bundle import BUNDLE

KEY = KeyPair.generate(SeededEntropy(1), Curve.SECP384R1)
OTHER = KeyPair.generate(SeededEntropy(2), Curve.SECP256R1)
SIGNED = Manifest.sign(
    BUNDLE, KEY, name="app", product_id=7, security_version=3, debug=False
)
FIELDS = Statement.read(SIGNED.raw, MANIFEST).content


def test_a_manifest_says_what_and_who_and_how_new() -> None:
    read = Manifest.read(SIGNED.raw)
    assert read == SIGNED
    assert read.bundle == BUNDLE
    assert read.identity == EnclaveIdentity(
        unique_id=BUNDLE.unique_id,
        signer_id=signer_id_of(KEY.public_key),
        product_id=7,
        security_version=3,
        debug=False,
    )


def test_who_signs_and_how_new_is_no_part_of_the_unique_id() -> None:
    again = Manifest.sign(
        BUNDLE, OTHER, name="other", product_id=1, security_version=4, debug=True
    )
    assert again.identity.unique_id == SIGNED.identity.unique_id
    assert again.identity.signer_id != SIGNED.identity.signer_id


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_changed_needs_the_signers_key(field: str) -> None:
    value = FIELDS[field]
    changed: Json
    if isinstance(value, bool):
        changed = not value
    elif isinstance(value, int):
        changed = value + 1
    elif isinstance(value, str):
        changed = value.replace(value[0], "e" if value[0] != "e" else "d", 1)
    else:
        changed = {}
    forged = sign(OTHER, MANIFEST, FIELDS | {field: changed})
    with pytest.raises(CcfpyError):
        Manifest.read(forged)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"unique_id": "00" * 32}, "unique id is not that of its parts"),
        ({"framework": "00" * 32}, "unique id is not that of its parts"),
        ({"signer_id": "00" * 32}, "signer id is not that of its key"),
    ],
)
def test_even_the_signer_cannot_name_ids_that_do_not_follow(
    change: dict[str, Json], reason: str
) -> None:
    with pytest.raises(VerificationFailed, match=reason):
        Manifest.read(sign(KEY, MANIFEST, FIELDS | change))


@pytest.mark.parametrize(
    "change",
    [
        {"signer_key": "none"},
        {"application": {"x": 1}},
        {"dependencies": {"x": 1}},
        {"configuration": []},
        {"name": 1},
        {"further": 1},
        *({"name": name} for name in ("", ".", "..", "a/b", "/etc")),
    ],
)
def test_what_is_no_manifest_is_refused(change: dict[str, Json]) -> None:
    with pytest.raises(Malformed):
        Manifest.read(sign(KEY, MANIFEST, FIELDS | change))


def test_numbers_have_bounds() -> None:
    for product, version in (
        (ENCLAVE_NUMBER_MAX + 1, 0),
        (0, ENCLAVE_NUMBER_MAX + 1),
        (-1, 0),
    ):
        with pytest.raises(Malformed):
            Manifest.sign(
                BUNDLE,
                KEY,
                name="app",
                product_id=product,
                security_version=version,
                debug=False,
            )
