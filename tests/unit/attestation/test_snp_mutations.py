"""Every field of the recorded reports and of their chains, changed one at a time."""

import base64
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.snp import verify_snp_report
from ccfpy.attestation.snp_report import HALF_BYTES, REPORT_BYTES, SIGNED_BYTES
from ccfpy.base.errors import CcfpyError
from ccfpy.crypto.certs import parse_bundle
from tests.unit.attestation.hardware import NOW_S, PRODUCTS, chain_of, report_of

NOT_SIGNED = "VCEK. did not sign this attestation"


class Field(NamedTuple):
    """A region of the report, and why one with other bytes there is refused."""

    name: str
    offset: int
    size: int
    reason: str = NOT_SIGNED


FIELDS = (
    Field("version", 0x000, 4, f"version is 2 not|{NOT_SIGNED}"),
    Field("guest_svn", 0x004, 4),
    Field("policy", 0x008, 8),
    Field("family_id", 0x010, 16),
    Field("image_id", 0x020, 16),
    Field("vmpl", 0x030, 4),
    Field("signature_algo", 0x034, 4, "Unsupported signature algorithm"),
    Field("platform_version", 0x038, 8),
    Field("platform_info", 0x040, 8),
    Field("flags", 0x048, 4),
    Field("reserved0", 0x04C, 4),
    Field("report_data", 0x050, 64),
    Field("measurement", 0x090, 48),
    Field("host_data", 0x0C0, 32),
    Field("id_key_digest", 0x0E0, 48),
    Field("author_key_digest", 0x110, 48),
    Field("report_id", 0x140, 32),
    Field("report_id_ma", 0x160, 32),
    Field("reported_tcb", 0x180, 8),
    Field("cpuid_fam_id", 0x188, 1, "Unsupported CPUID family 24"),
    Field("cpuid_mod_id", 0x189, 1, "Unsupported CPUID family 25 model (0|16)"),
    Field("cpuid_step", 0x18A, 1),
    Field("reserved1", 0x18B, 21),
    Field("chip_id", 0x1A0, 64),
    Field("committed_tcb", 0x1E0, 8),
    Field("builds", 0x1E8, 8),
    Field("launch_tcb", 0x1F0, 8),
    Field("reserved4", 0x1F8, 168),
    Field("signature r", SIGNED_BYTES, 48),
    Field("above r", SIGNED_BYTES + 48, 24, "not a signature by a key on P-384"),
    Field("signature s", SIGNED_BYTES + HALF_BYTES, 48),
    Field("above s", SIGNED_BYTES + HALF_BYTES + 48, 24, "not a signature by a key"),
)


def test_the_table_leaves_no_byte_out_that_is_of_account() -> None:
    at = 0
    for field in FIELDS:
        assert field.offset == at, field.name
        at += field.size
    assert at == SIGNED_BYTES + 2 * HALF_BYTES


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_changed_field_is_refused_with_its_reason(product: str, field: Field) -> None:
    for at in {field.offset, field.offset + field.size - 1}:
        changed = bytearray(report_of(product))
        changed[at] ^= 1
        with pytest.raises(CcfpyError, match=field.reason):
            verify_snp_report(bytes(changed), chain_of(product), unix_time_s=NOW_S)


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_follows_the_signature_is_of_no_account(product: str) -> None:
    changed = bytearray(report_of(product))
    changed[SIGNED_BYTES + 2 * HALF_BYTES] ^= 1
    changed[REPORT_BYTES - 1] ^= 1
    verified = verify_snp_report(bytes(changed), chain_of(product), unix_time_s=NOW_S)
    assert verified.measurement == verified.raw[0x090:0x0C0]


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("place", [0, 1, 2], ids=["VCEK", "ASK", "ARK"])
def test_a_byte_of_a_certificate_cannot_be_changed(product: str, place: int) -> None:
    """Each fortieth byte of each certificate, in a chain that is whole otherwise."""
    chain = parse_bundle(chain_of(product))
    for at in range(0, len(chain[place].der), 40):
        changed = bytearray(chain[place].der)
        changed[at] ^= 1
        ders = [certificate.der for certificate in chain]
        ders[place] = bytes(changed)
        with pytest.raises(CcfpyError):
            verify_snp_report(report_of(product), _bundle(ders), unix_time_s=NOW_S)


@given(st.sampled_from(PRODUCTS), st.integers(0, 2), st.integers(min_value=0))
def test_nor_any_bit_of_one(product: str, place: int, bit: int) -> None:
    ders = [certificate.der for certificate in parse_bundle(chain_of(product))]
    changed = bytearray(ders[place])
    bit %= 8 * len(changed)
    changed[bit // 8] ^= 1 << bit % 8
    ders[place] = bytes(changed)
    with pytest.raises(CcfpyError):
        verify_snp_report(report_of(product), _bundle(ders), unix_time_s=NOW_S)


def _bundle(ders: list[bytes]) -> bytes:
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(der)
        + b"-----END CERTIFICATE-----\n"
        for der in ders
    )
