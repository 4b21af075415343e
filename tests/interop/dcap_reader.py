"""Read SGX quotes by another library; write what it found in each, as JSON.

Run where ``dcap-qvl`` is installed and ccfpy is not; takes files.
"""

import json
import sys
from pathlib import Path
from typing import Any

import dcap_qvl  # type: ignore[import-not-found]  # only in its own environment


def read(path: str) -> dict[str, Any]:
    quote = dcap_qvl.parse_quote(Path(path).read_bytes())
    report, pck = quote.report, quote.pck_extension()
    return {
        "measurement": report.mr_enclave.hex(),
        "signer": report.mr_signer.hex(),
        "attributes": report.attributes.hex(),
        "report_data": report.report_data.hex(),
        "cpu_svn": report.cpu_svn.hex(),
        "fmspc": pck.fmspc.hex(),
        "pce_id": pck.pce_id.hex(),
        "components": list(pck.cpu_svn),
        "pce_svn": pck.pce_svn,
    }


sys.stdout.write(json.dumps([read(path) for path in sys.argv[1:]]))
