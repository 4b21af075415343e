"""Another library finds in SGX quotes what we find."""

import json
import subprocess

from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.attestation.sgx_tcb import PckClaims
from ccfpy.crypto.certs import parse_bundle
from tests.interop.environments import HERE, RUN_TIMEOUT_S, install_locked

VECTORS = HERE.parent / "vectors/attestation"
FILES = [VECTORS / name for name in ("sgx_node.quote", "sgx_debugged.quote")]


def test_dcap_qvl_reads_recorded_quotes_as_we_do() -> None:
    python = install_locked("maa", "maa.lock", "dcap-qvl")
    done = subprocess.run(
        [str(python), "-I", str(HERE / "dcap_reader.py"), *map(str, FILES)],
        capture_output=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    ours = []
    for file in FILES:
        quote = SgxQuote.parse(file.read_bytes())
        report, pck = quote.report, PckClaims.of(parse_bundle(quote.chain)[0])
        ours.append(
            {
                "measurement": report.measurement.hex(),
                "signer": report.signer.hex(),
                "attributes": report.attributes.hex(),
                "report_data": report.report_data.hex(),
                "cpu_svn": report.raw[:16].hex(),
                "fmspc": pck.fmspc.hex(),
                "pce_id": pck.pce_id.hex(),
                "components": list(pck.components),
                "pce_svn": pck.pce_svn,
            }
        )
    assert json.loads(done.stdout) == ours
