"""Evidence that says of itself that it proves nothing."""

import pytest

from ccfpy.attestation.virtual import MEASUREMENT, VirtualEvidence
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.crypto.hashing import sha256
from tests.unit.attestation.evidence import virtual_evidence

EVIDENCE = virtual_evidence(public_key_der=b"key", executable_digest="ab" * 32)


def test_evidence_binds_the_key_and_the_executable() -> None:
    assert VirtualEvidence.parse(EVIDENCE.quote()) == EVIDENCE
    assert EVIDENCE.report_data == sha256(b"key")
    assert "Insecure" in EVIDENCE.measurement


def test_the_measurement_file_leaves_the_key_out() -> None:
    assert json.loads(EVIDENCE.measurement_file()) == {
        "measurement": MEASUREMENT,
        "host_data": "ab" * 32,
    }


@pytest.mark.parametrize(
    "quote",
    [
        b"",
        b"[]",
        b"{}",
        b'{"measurement":"m","host_data":"h"}',
        b'{"measurement":"m","host_data":1,"report_data":""}',
        b'{"measurement":1,"host_data":"h","report_data":""}',
        b'{"measurement":"m","host_data":"h","report_data":"%"}',
    ],
)
def test_anything_else_is_malformed(quote: bytes) -> None:
    with pytest.raises(Malformed):
        VirtualEvidence.parse(quote)
