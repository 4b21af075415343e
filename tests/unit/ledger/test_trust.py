"""Whom a ledger lets sign; ``test_audit`` checks the same rules over whole ledgers."""

import json
from dataclasses import replace

import pytest

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.crypto.certs import node_self_signed
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.tables import (
    IDENTITY_ENDORSEMENT,
    LAST_SIGNED_ROOT,
    NODE_CERTIFICATES,
    NODES_INFO,
    PREVIOUS_IDENTITY,
    SERVICE_INFO,
    SIGNATURES,
    SINGLE_KEY,
)
from ccfpy.ledger.trust import LedgerTrust, may_follow
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND

ALLOWED = {
    (ServiceStatus.OPENING, ServiceStatus.OPEN),
    (ServiceStatus.OPENING, ServiceStatus.WAITING_FOR_RECOVERY_SHARES),
    (ServiceStatus.OPEN, ServiceStatus.RECOVERING),
    (ServiceStatus.RECOVERING, ServiceStatus.WAITING_FOR_RECOVERY_SHARES),
    (ServiceStatus.WAITING_FOR_RECOVERY_SHARES, ServiceStatus.OPEN),
}


@pytest.mark.parametrize("before", [None, *ServiceStatus])
@pytest.mark.parametrize("after", ServiceStatus)
def test_a_service_moves_only_along_the_table(
    before: ServiceStatus | None, after: ServiceStatus
) -> None:
    expected = (
        before in (None, after)
        or after is ServiceStatus.OPENING
        or (before, after) in ALLOWED
    )
    assert may_follow(before, after, is_new_identity=False) is expected


@pytest.mark.parametrize("before", ServiceStatus)
@pytest.mark.parametrize("after", ServiceStatus)
def test_a_disaster_can_strike_at_any_time(
    before: ServiceStatus, after: ServiceStatus
) -> None:
    expected = after in (ServiceStatus.OPENING, ServiceStatus.RECOVERING)
    assert may_follow(before, after, is_new_identity=True) is expected


def trust(write_set: WriteSet | None = None) -> LedgerTrust:
    """Trust what the first service's create transaction says, and more."""
    made = LedgerTrust()
    made.apply(FIRST.create(), last_root=None)
    if write_set is not None:
        made.apply(write_set, last_root=b"\1" * 32)
    return made


def test_a_create_transaction_introduces_service_and_node() -> None:
    made = trust()
    assert (made.status, made.service) == (ServiceStatus.OPENING, FIRST.certificate)
    assert made.nodes == {FIRST.node: NodeStatus.TRUSTED}
    assert made.certificates == {FIRST.node: FIRST.node_certificate}
    assert made.previous_service is None


def test_nodes_and_certificates_can_be_removed() -> None:
    key = FIRST.node.encode()
    made = trust({NODES_INFO: {key: None}, NODE_CERTIFICATES: {key: None}})
    assert (made.nodes, made.certificates) == ({}, {})
    made.apply({NODES_INFO: {key: None}}, last_root=None)


def test_an_old_node_brings_its_own_certificate() -> None:
    info = {"status": "Trusted", "cert": SECOND.node_certificate.pem}
    made = trust({NODES_INFO: {SECOND.node.encode(): json.dumps(info).encode()}})
    assert made.certificates[SECOND.node] == SECOND.node_certificate


def test_tables_without_their_value_say_nothing() -> None:
    empty: WriteSet = {
        PREVIOUS_IDENTITY: {SINGLE_KEY: None},
        LAST_SIGNED_ROOT: {SINGLE_KEY: None},
        IDENTITY_ENDORSEMENT: {SINGLE_KEY: None},
    }
    assert trust(empty).service == FIRST.certificate


def recovered(table: str, value: bytes) -> LedgerTrust:
    return trust({**SECOND.create("Recovering"), table: {SINGLE_KEY: value}})


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_recovery_keeps_the_identity_before_it() -> None:
    made = recovered(PREVIOUS_IDENTITY, as_json(FIRST.certificate.pem))
    assert made.previous_service == FIRST.certificate
    assert made.service == SECOND.certificate


def endorsement(by: object, of: object) -> bytes:
    made = IdentityEndorsement.make(
        by.key,  # type: ignore[attr-defined] # an Identity
        of.key.public_key.der,  # type: ignore[attr-defined] # an Identity
        Epoch(begin=TxId(2, 1)),
        issued_at=ISSUED_AT,
    )
    return made.serialise()


def test_a_service_endorses_itself_or_the_one_before() -> None:
    recovered(IDENTITY_ENDORSEMENT, endorsement(SECOND, FIRST))
    recovered(IDENTITY_ENDORSEMENT, endorsement(SECOND, SECOND))


REFUSED: dict[str, tuple[str, bytes, type[CcfpyError]]] = {
    "another previous identity": (
        PREVIOUS_IDENTITY,
        as_json(SECOND.certificate.pem),
        VerificationFailed,
    ),
    "a previous identity that is no text": (PREVIOUS_IDENTITY, b"1", Malformed),
    "another last root": (LAST_SIGNED_ROOT, as_json("02" * 32), VerificationFailed),
    "a last root that is no text": (LAST_SIGNED_ROOT, b"{}", Malformed),
    "a last root that is no digest": (LAST_SIGNED_ROOT, b'"x"', Malformed),
    "an endorsement by the old service": (
        IDENTITY_ENDORSEMENT,
        endorsement(FIRST, SECOND),
        VerificationFailed,
    ),
    "a service that is no object": (SERVICE_INFO, b"[]", Malformed),
    "a service of no status": (
        SERVICE_INFO,
        as_json({"cert": FIRST.certificate.pem, "status": "Closed"}),
        Malformed,
    ),
    "a service without a certificate": (
        SERVICE_INFO,
        as_json({"cert": "none", "status": "Open"}),
        Malformed,
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_records_that_break_a_rule_are_refused(what: str) -> None:
    table, value, error = REFUSED[what]
    with pytest.raises(error):
        recovered(table, value)


def test_an_endorsement_of_a_stranger_is_refused() -> None:
    value = endorsement(FIRST, SECOND)
    with pytest.raises(VerificationFailed, match="unknown key"):
        trust({IDENTITY_ENDORSEMENT: {SINGLE_KEY: value}})


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        (NODES_INFO, b"\xff", b"{}"),
        (NODES_INFO, b"n", b'{"status":"Busy"}'),
        (NODES_INFO, b"n", b"{}"),
        (NODE_CERTIFICATES, b"n", b"\xff"),
        (NODE_CERTIFICATES, b"n", b"pem"),
    ],
)
def test_records_of_nodes_that_cannot_be_read_are_malformed(
    table: str, key: bytes, value: bytes
) -> None:
    with pytest.raises(Malformed):
        trust({table: {key: value}})


def test_nothing_is_endorsed_or_signed_before_there_is_a_service() -> None:
    tree = MerkleTree()
    tables = FIRST.signer.sign(TxId(2, 1), tree, issued_at=ISSUED_AT)
    with pytest.raises(VerificationFailed, match="unknown"):
        LedgerTrust().verify_signature(tables, tree.root())
    del tables[SIGNATURES]
    with pytest.raises(VerificationFailed, match="before there is a service"):
        LedgerTrust().verify_signature(tables, tree.root())
    with pytest.raises(VerificationFailed, match="before there is a service"):
        LedgerTrust().apply(FIRST.node_info(), last_root=None)


def test_a_signature_needs_the_signers_own_certificate() -> None:
    tree = MerkleTree()
    tables = FIRST.signer.sign(TxId(2, 1), tree, issued_at=ISSUED_AT)
    made = trust()
    assert made.verify_signature(tables, tree.root()) == ["2.1", "2.1"]
    made.certificates[FIRST.node] = SECOND.node_certificate
    with pytest.raises(VerificationFailed, match="shows another key"):
        made.verify_signature(tables, tree.root())
    del made.certificates[FIRST.node]
    with pytest.raises(VerificationFailed, match="has no certificate"):
        made.verify_signature(tables, tree.root())
    with pytest.raises(VerificationFailed, match="signed the root"):
        trust().verify_signature(tables, b"\1" * 32)
    with pytest.raises(Malformed, match="without a signature"):
        trust().verify_signature({SIGNATURES: {}}, tree.root())


def test_a_certificate_that_a_signature_shows_must_be_the_services() -> None:
    """The table may hold a renewed one already; one nobody issued is refused."""
    tree = MerkleTree()
    entropy = SeededEntropy(9)
    node_key = FIRST.signer.node_key
    self_made = node_self_signed(
        node_key,
        subject="CN=CCF Node",
        sans=(),
        not_before=FIRST.node_certificate.not_before,
        validity_days=1,
        entropy=entropy,
    )
    signer = replace(FIRST.signer, node_certificate=self_made.pem)
    tables = signer.sign(TxId(2, 1), tree, issued_at=ISSUED_AT)
    with pytest.raises(VerificationFailed, match="not issued by"):
        trust().verify_signature(tables, tree.root())


def test_a_copy_goes_its_own_way() -> None:
    one = trust()
    other = one.copy()
    assert other == one
    other.apply({NODES_INFO: {FIRST.node.encode(): None}}, last_root=None)
    assert FIRST.node not in other.nodes
    assert FIRST.node in one.nodes


def test_a_check_is_told_from_every_other_by_its_digest() -> None:
    known, tree = trust(), MerkleTree([bytes(32)])
    digests = set()
    for seqno in (1, 2):
        tables = FIRST.signer.sign(TxId(2, seqno), tree, issued_at=ISSUED_AT)
        for check in known.checks(tables, tree.root()):
            check.verify()
            digests.add(check.digest)
            digests.add(replace(check, key=SECOND.key.public_key).digest)
            digests.add(replace(check, root=b"r" * 32).digest)
        tree.append(bytes(32))
    assert len(digests) == 12
