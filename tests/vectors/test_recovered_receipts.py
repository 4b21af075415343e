"""Services that CCF recorded are recovered, and prove the transactions written under
CCF."""

from collections.abc import Callable, Iterator

import pytest

from apps.logging.app import app
from ccfpy.client import receipts
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.receipt import Receipt, ReceiptRefused, ReceiptStep
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.vectors.conftest import SERVICES
from tests.vectors.recording import Recording
from tests.vectors.test_recorded_recoveries import SIGNED_TO, people, remains

EVERY = 7
ASKED_MAX = 100


@pytest.fixture(scope="module", params=SERVICES)
def recovered(
    request: pytest.FixtureRequest, recordings: Callable[[str], Recording]
) -> tuple[Recording, InProcessNode]:
    recording = recordings(request.param)
    return recording, bring_back(recording)


def bring_back(recording: Recording) -> InProcessNode:
    """Recover a service by its members, from its ledger alone."""
    members = people(recording.folder / "common")
    left = remains(recording, with_snapshots=False)
    node = recover_alone(left, app, members=members)
    assert ask_for_shares(node).status == 200
    for member in members:
        assert submit_share(node, member).status == 200
    for _ in range(10):
        node.advance(100)
    return node


def ask(node: InProcessNode, txid: object, form: str) -> bytes | None:
    """Ask for a receipt until it is available; return None if it has no such form."""
    path = f"/node/receipt?transaction_id={txid}&form={form}"
    reply = node.request("GET", path)
    for _ in range(ASKED_MAX):
        if reply.status != 202:
            break
        node.advance(10)
        reply = node.request("GET", path)
    assert reply.status in (200, 404), reply.body
    return reply.body if reply.status == 200 else None


def json_receipts(recording: Recording, node: InProcessNode) -> Iterator[Receipt]:
    """Return the JSON receipts of transactions of every time, the last one's too."""
    signed = recording.transactions[: SIGNED_TO[recording.name]]
    for transaction in signed[-1::-EVERY]:
        data = ask(node, transaction.txid, "v1")
        assert data is not None
        receipt = Receipt.parse(data)
        proved = receipts.transaction(receipt)
        assert proved in (None, transaction.txid)
        yield receipt


@pytest.mark.slow
def test_every_identity_they_had_is_vouched_for(
    recovered: tuple[Recording, InProcessNode],
) -> None:
    recording, node = recovered
    today = Certificate.from_pem(node.service_certificate)
    vouched, unnamed = set(), 0
    for receipt in json_receipts(recording, node):
        if not receipt.certificate:
            unnamed += 1
            with pytest.raises(ReceiptRefused, match="does not show") as refused:
                receipt.verify(today)
            assert refused.value.step is ReceiptStep.SIGNATURE
            continue
        assert len(receipt.verify(today)) == len(ReceiptStep)
        (pem,) = receipt.service_endorsements
        vouched.add(Certificate.from_pem(pem).public_key.der)
    identities = {
        Certificate.from_pem(service.pem).public_key.der
        for service in map(recording.service_at, range(40, SIGNED_TO[recording.name]))
    }
    assert vouched == identities
    assert bool(unnamed) is (recording.name != "cose_flipflop_service"), "CCF 1's"


@pytest.mark.slow
def test_what_ccf_signed_in_cose_is_handed_out_so(
    recovered: tuple[Recording, InProcessNode],
) -> None:
    recording, node = recovered
    today = Certificate.from_pem(node.service_certificate)
    given = 0
    for transaction in recording.transactions[: SIGNED_TO[recording.name] : 3]:
        data = ask(node, transaction.txid, "cose")
        if data is None:
            continue
        chain = ask(node, transaction.txid, "endorsements")
        assert chain is not None
        taken = receipts.verify(
            receipts.parse(data),
            today,
            txid=transaction.txid,
            endorsements=receipts.parse_endorsements(chain),
        )
        assert len(taken) == len(ReceiptStep)
        given += 1
    assert bool(given) is (recording.name == "cose_flipflop_service")
