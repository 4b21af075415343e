"""What CCF wrote is proved after a recovery to who has CCF's own package.

Each service that CCF recorded is brought back by its members. The node that does gives
receipts of all that the lost service wrote, under every identity that it had, and the
package verifies them with the new service's certificate alone.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ccfpy.base.ids import TxId
from ccfpy.client import receipts
from ccfpy.testing.node import InProcessNode
from tests.interop.environments import Tools
from tests.vectors.conftest import SERVICES
from tests.vectors.recording import Recording
from tests.vectors.test_recorded_recoveries import SIGNED_TO
from tests.vectors.test_recovered_receipts import ask, bring_back

EVERY = 5
COSE_EVERY = 3
COSE_ASKED = 2
"""Each is verified by a program of its own."""
WITHOUT_CERTIFICATE = {"cose_flipflop_service": 0, "eol_service": 7, "sgx_service": 7}
"""Of the receipts that are asked for: those under signatures of CCF 1, which recorded
no node's certificate with them."""


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """A service that is back."""

    recording: Recording
    node: InProcessNode

    def asked(self, every: int = EVERY) -> list[TxId]:
        """Transactions of every time, the last that was signed too."""
        signed = self.recording.transactions[: SIGNED_TO[self.recording.name]]
        return [transaction.txid for transaction in signed[-1::-every]]

    def receipt(self, txid: TxId, form: str) -> dict[str, Any]:
        """Return a JSON receipt."""
        data = ask(self.node, txid, form)
        assert data is not None
        fields: dict[str, Any] = json.loads(data)
        return fields


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest, ccf_services: Path) -> Recovered:
    recording = Recording.read(ccf_services / request.param)
    return Recovered(recording=recording, node=bring_back(recording))


@pytest.mark.parametrize("form", ["v1", "v2"])
def test_ccfs_package_accepts_json_receipts_of_every_identity(
    service: Recovered, tools: Tools, form: str
) -> None:
    receipts = [service.receipt(txid, form) for txid in service.asked()]
    shown = [receipt for receipt in receipts if receipt.get("cert")]
    without = len(receipts) - len(shown)
    assert without == WITHOUT_CERTIFICATE[service.recording.name]
    question = {
        "receipts": shown,
        "service_certificate": service.node.service_certificate,
    }
    tools.answer("check_receipts.py", stdin=json.dumps(question).encode())
    vouched = {pem for each in shown for pem in each["service_endorsements"]}
    assert vouched, "none of them is of the new service"


def test_ccfs_package_refuses_them_without_what_vouches(
    service: Recovered, tools: Tools
) -> None:
    receipt = service.receipt(service.asked()[0], "v1")
    question = {
        "receipts": [{**receipt, "service_endorsements": []}],
        "service_certificate": service.node.service_certificate,
    }
    done = tools.program("check_receipts.py", stdin=json.dumps(question).encode())
    assert done.returncode != 0


def test_ccfs_package_accepts_what_ccf_signed_in_cose(
    service: Recovered, tools: Tools
) -> None:
    given = 0
    for txid in service.asked(every=COSE_EVERY):
        data = ask(service.node, txid, "cose")
        if data is None or given == COSE_ASKED:
            continue
        chain = ask(service.node, txid, "endorsements")
        assert chain is not None
        claims = service.receipt(txid, "v2")["leaf_components"].get("claims_digest")
        question = {
            "receipt": b64encode(data).decode(),
            "claims_digest": claims or bytes(32).hex(),
            "service_certificate": service.node.service_certificate,
            "endorsements": [
                b64encode(each).decode() for each in receipts.parse_endorsements(chain)
            ],
        }
        stdin = json.dumps(question).encode()
        signed = tools.answer("check_cose_receipt.py", stdin=stdin)
        assert TxId.parse(signed.decode()) > txid
        given += 1
    expected = COSE_ASKED if service.recording.name == "cose_flipflop_service" else 0
    assert given == expected
