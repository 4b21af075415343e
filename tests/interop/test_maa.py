"""Azure's own client takes the stand-in for the service it was written for."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.base.json import dumps
from ccfpy.cli.attest_mock import MockServer, make_server
from ccfpy.client.maa import AttestationType, keys_of, verify_maa_token
from tests.interop.environments import HERE, RUN_TIMEOUT_S, install_locked

VECTORS = HERE.parent / "vectors/attestation"


@pytest.fixture(scope="session")
def azure() -> Path:
    """The Python that has Azure's client."""
    return install_locked("maa", "maa.lock", "Azure's attestation client")


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """A stand-in that serves."""
    with make_server(0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_azures_client_believes_its_tokens_and_so_do_we(
    azure: Path, mock: MockServer, tmp_path: Path
) -> None:
    quote = (VECTORS / "sgx_node.quote").read_bytes()
    certificate, held = tmp_path / "tls.pem", tmp_path / "held"
    certificate.write_text(mock.certificate_pem)
    held.write_bytes(quote[-80:])
    endpoint = mock.service.issuer
    done = subprocess.run(
        [
            *(str(azure), "-I", "-W", "ignore", str(HERE / "maa_client.py")),
            *(endpoint, str(certificate)),
            *(str(VECTORS / "sgx_node.quote"), str(held)),
        ],
        capture_output=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    measurement = quote[112:144].hex()
    assert told["sgx"] == {
        "mr_enclave": measurement,
        "mr_signer": quote[176:208].hex(),
        "product_id": 1.0,
        "svn": 1.0,
        "is_debuggable": False,
        "verifier_type": "sgx",
        "held": quote[-80:].hex(),
    }
    assert told["open_enclave"] == measurement
    assert told["signers"] == 1
    assert told["metadata"]["issuer"] == endpoint
    assert told["refused"] == [400, "AttestationFailed"]
    assert "permit()" in told["policy"]
    keys = mock.service.get("/certs", unix_time_s=0).body
    token = verify_maa_token(
        told["token"],
        issuer=endpoint,
        keys=keys_of(dumps(keys)),
        unix_time_s=told["issued"],
    )
    assert (token.kind, token.said("measurement")) == (AttestationType.SGX, measurement)
