"""Effects reach the node in the proposal's transaction; a refusal fails it."""

import json

import pytest

from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.http.messages import Response
from ccfpy.service.tables import recovery, service
from tests.unit.gov.conftest import Governed, body


def governed_by_effect(governed: Governed, effect: str) -> Response:
    """Accept a proposal at once whose effect is this."""
    governed.govern_by(
        "export function validate() { return { valid: true } }"
        "export function resolve() { return 'Accepted' }"
        "const name = 'public:ccf.gov.seen';"
        "const see = (value) => ccf.kv[name].set(ccf.strToBuf('seen'), "
        "ccf.jsonCompatibleToBuf(value));"
        f"export function apply() {{ {effect} }}"
    )
    return governed.propose()


def seen(governed: Governed) -> object:
    value = governed.begin().raw("public:ccf.gov.seen").get(b"seen")
    return None if value is None else json.loads(value)


@pytest.mark.parametrize(
    ("effect", "asked"),
    [
        ("ccf.node.triggerLedgerChunk()", "chunk"),
        ("ccf.node.triggerSnapshot()", "snapshot"),
        ("ccf.node.triggerRecoverySharesRefresh()", "refresh"),
    ],
)
def test_the_node_is_asked(governed: Governed, effect: str, asked: str) -> None:
    assert governed_by_effect(governed, effect).status == 200
    assert governed.node.asked == [asked]


def test_writes_of_effects_are_the_proposals_own(opened: Governed) -> None:
    governed_by_effect(opened, "ccf.node.triggerLedgerRekey()")
    assert opened.node.asked == ["rekey"]
    assert recovery.ENCRYPTED_LEDGER_SECRETS.of(opened.begin()).has()


def test_a_service_that_is_not_open_keeps_its_ledger_secret(
    governed: Governed,
) -> None:
    reply = governed_by_effect(governed, "ccf.node.triggerLedgerRekey()")
    message = json.loads(reply.body)["error"]["message"]
    assert message.startswith(
        "Failed to apply(): InternalError: Failed to rekey ledger: Cannot rekey ledger "
        "while the service is not open"
    )


def test_a_certificate_is_endorsed_and_renewed(governed: Governed) -> None:
    effect = (
        "see([ccf.network.getLatestLedgerSecretSeqno(), "
        "ccf.network.generateEndorsedCertificate('CSR', '240101000000Z', 7), "
        "ccf.network.generateNetworkCertificate('240101000000Z', 8)])"
    )
    assert governed_by_effect(governed, effect).status == 200
    assert seen(governed) == [1, "CERTIFICATE FOR CSR", "RENEWED"]
    assert governed.node.asked == [
        ("CSR", "240101000000Z", 7),
        ("renew", "240101000000Z", 8),
    ]


def test_a_refusal_fails_the_proposal_with_its_reason(governed: Governed) -> None:
    effect = (
        "ccf.node.transitionServiceToOpen(undefined, ccf.strToBuf('another service'))"
    )
    reply = governed_by_effect(governed, effect)
    assert reply.status == 500
    message = json.loads(reply.body)["error"]["message"]
    assert message.startswith(
        "Failed to apply(): InternalError: Unable to open service: Service identity "
        "mismatch"
    )


def test_the_service_opens(governed: Governed) -> None:
    pem = json.dumps(governed.node.service_certificate)
    effect = f"ccf.node.transitionServiceToOpen(undefined, ccf.strToBuf({pem}))"
    assert body(governed_by_effect(governed, effect))["proposalState"] == "Accepted"
    info = service.INFO.of(governed.begin()).get()
    assert info is not None
    assert info.status is ServiceStatus.OPEN
