"""Everything that can be checked in ledgers CCF wrote, checked."""

import base64
import hashlib
import json
from collections.abc import Iterator

import pytest

from ccfpy.audit.auditor import Damage, OpenTail, ServiceSeen, Summary, audit
from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.client.cose_receipt import links
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.entry import LeafComponents, Transaction
from ccfpy.ledger.identity_endorsement import IdentityEndorsement
from ccfpy.ledger.merkle import MerkleTree, climb
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import CoseSignature, NodeSignature, is_signature
from ccfpy.ledger.snapshot import Snapshot, SnapshotName
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    IDENTITY_ENDORSEMENT,
    LAST_SIGNED_ROOT,
    NODE_CERTIFICATES,
    NODES_INFO,
    PAST_SECRETS,
    RECOVERY_SHARES,
    SIGNATURES,
    SINGLE_KEY,
    TREE,
)
from ccfpy.service.tables import recovery
from tests.unit.ledger.sealed import seal
from tests.vectors.recording import Recording

SIGNATURE_COUNTS = {
    "cose_flipflop_service": (46, 23, 5),
    "eol_service": (500, 85, 0),
    "sgx_service": (153, 54, 0),
}
"""Entries, node signatures and COSE signatures of each service."""


def before_each_signature(
    recording: Recording,
) -> Iterator[tuple[Transaction, MerkleTree]]:
    """Yield each signature with the tree over all that came before it."""
    tree = MerkleTree()
    for transaction in recording.transactions:
        if is_signature(transaction.domain.write_set):
            yield transaction, tree
        tree.append(transaction.leaf)


def test_an_audit_finds_no_damage(recording: Recording) -> None:
    *findings, summary = audit(recording.files())
    assert not [finding for finding in findings if isinstance(finding, Damage)]
    assert isinstance(summary, Summary)
    entries, signatures, _ = SIGNATURE_COUNTS[recording.name]
    assert (summary.transactions, summary.signatures) == (entries, signatures)
    assert not summary.is_damaged
    expected = (recording.folder / "common" / "service_cert.pem").read_text()
    assert summary.service is not None
    assert summary.service.digest_hex == Certificate.from_pem(expected).digest_hex


def test_an_audit_tells_of_every_recovery(recording: Recording) -> None:
    seen = [each for each in audit(recording.files()) if isinstance(each, ServiceSeen)]
    *_, last = recording.singles("public:ccf.gov.service.info")
    recoveries = json.loads(last[1]).get("recovery_count", 0)
    identities = [each for each in seen if each.is_new_identity]
    assert len(identities) == 1 + recoveries


def test_only_what_follows_the_last_signature_is_a_tail(recording: Recording) -> None:
    tails = [each for each in audit(recording.files()) if isinstance(each, OpenTail)]
    last = recording.transactions[-1]
    assert bool(tails) is not is_signature(last.domain.write_set)


def test_every_root_is_the_signed_one_and_every_stored_tree_ours(
    recording: Recording,
) -> None:
    signatures = 0
    for transaction, tree in before_each_signature(recording):
        write_set = transaction.domain.write_set
        by_node = NodeSignature.parse(write_set[SIGNATURES][SINGLE_KEY] or b"")
        stored = write_set[TREE][SINGLE_KEY]
        assert by_node.root == tree.root()
        assert by_node.txid == transaction.txid
        assert stored == tree.serialise(MerkleTree.first_of(stored or b""))
        restored = MerkleTree.deserialise(stored or b"")
        assert (len(restored), restored.root()) == (len(tree), tree.root())
        signatures += 1
    assert signatures == SIGNATURE_COUNTS[recording.name][1]


def node_certificates(recording: Recording, until: Seqno) -> dict[NodeId, Certificate]:
    """Collect every node's certificate; CCF 1 kept it with the node's other data."""
    found = {}
    for seqno, key, value in recording.writes(NODES_INFO):
        pem = json.loads(value).get("cert")
        if seqno <= until and pem:
            found[NodeId(key.decode())] = Certificate.from_pem(pem)
    for seqno, key, value in recording.writes(NODE_CERTIFICATES):
        if seqno <= until:
            found[NodeId(key.decode())] = Certificate.from_pem(value.decode())
    return found


def test_every_node_signature_holds(recording: Recording) -> None:
    without_certificate = 0
    for seqno, value in recording.singles(SIGNATURES):
        by_node = NodeSignature.parse(value)
        certificate = node_certificates(recording, seqno)[by_node.node]
        by_node.verify(certificate.public_key)
        if by_node.certificate is None:
            without_certificate += 1
        else:
            shown = Certificate.from_pem(by_node.certificate)
            assert shown.public_key == certificate.public_key
    expected = {"eol_service": 8, "sgx_service": 11}.get(recording.name, 0)
    assert without_certificate == expected


def test_every_cose_signature_holds(recording: Recording) -> None:
    count = 0
    for transaction, tree in before_each_signature(recording):
        write_set = transaction.domain.write_set
        if COSE_SIGNATURES not in write_set:
            continue
        value = write_set[COSE_SIGNATURES][SINGLE_KEY] or b""
        by_service = CoseSignature.parse(value)
        service = recording.service_at(transaction.txid.seqno)
        by_service.verify(service.public_key, tree.root())
        assert by_service.txid == transaction.txid
        assert by_service.serialise() == value
        count += 1
    assert count == SIGNATURE_COUNTS[recording.name][2]


def test_everything_private_opens_and_all_evidence_is_reproduced(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    private = evidence = 0
    for transaction in recording.transactions:
        private += bool(transaction.private_writes(secrets))
        evidence += transaction.commit_evidence(secrets) is not None
    assert bool(private) is (recording.name != "sgx_service")
    expected = {"eol_service": 465, "sgx_service": 116, "cose_flipflop_service": 46}
    assert evidence == expected[recording.name]


def test_any_threshold_of_shares_opens_the_same_secret(recording: Recording) -> None:
    issued, opened, threshold = recording.member_shares()
    first = encrypted_shares.unwrap(issued, opened[:threshold], threshold)
    last = encrypted_shares.unwrap(issued, opened[-threshold:], threshold)
    assert first == last


def test_sealing_what_was_read_gives_the_recorded_bytes(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    compared = 0
    for transaction in recording.transactions:
        domain = transaction.domain
        if domain.claims_digest is None or domain.max_conflict_version:
            continue
        sealed = seal(
            secrets.at(transaction.txid.seqno),
            transaction.txid,
            transaction.writes(secrets),
            claims_digest=domain.claims_digest,
            flags=transaction.entry.flags,
        )
        assert sealed.data == transaction.entry.data
        assert sealed.leaf == transaction.leaf
        compared += 1
    assert compared


def test_every_record_is_written_as_it_was_read(recording: Recording) -> None:
    for _, value in recording.singles(SIGNATURES):
        if not json.loads(value)["commit_seqno"]:  # CCF 1 recorded the commit there
            assert NodeSignature.parse(value).serialise() == value
    for _, value in recording.singles(RECOVERY_SHARES):
        assert (
            recovery.SHARES.codec.encode(recovery.SHARES.codec.decode(value)) == value
        )
    for _, value in recording.singles(PAST_SECRETS):
        assert (
            recovery.PAST_SECRETS.codec.encode(
                recovery.PAST_SECRETS.codec.decode(value)
            )
            == value
        )
    for _, value in recording.singles(IDENTITY_ENDORSEMENT):
        assert IdentityEndorsement.parse(value).serialise() == value


def test_identity_endorsements_lead_from_each_service_to_the_one_before(
    recording: Recording,
) -> None:
    endorsements = [
        IdentityEndorsement.parse(value)
        for _, value in recording.singles(IDENTITY_ENDORSEMENT)
    ]
    for endorsement in endorsements:
        endorsement.verify()
    if endorsements:
        newest_first = endorsements[::-1]
        today = PublicKey.from_der(newest_first[0].endorsing_key)
        *_, oldest = links([each.data for each in newest_first], today)
        assert oldest.endorsed.der == newest_first[-1].endorsed_key


def test_the_root_recorded_by_a_recovery_is_the_last_signed_one(
    recording: Recording,
) -> None:
    roots = [NodeSignature.parse(value) for _, value in recording.singles(SIGNATURES)]
    for seqno, value in recording.singles(LAST_SIGNED_ROOT):
        endorsed = [each for each in roots if each.txid.seqno < seqno]
        assert json.loads(value) in {each.root.hex() for each in endorsed}


def test_every_snapshot_is_vouched_for(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    folder = recording.folder / "snapshots"
    names = [path.name for path in folder.iterdir() if path.name.startswith("snap")]
    assert len(names) == {"eol_service": 1, "sgx_service": 2}.get(recording.name, 0)
    for name in names:
        parsed = SnapshotName.parse(name)
        assert str(parsed) == name
        snapshot = Snapshot.parse((folder / name).read_bytes())
        assert snapshot.seqno == parsed.seqno
        assert len(snapshot.verify(recording.service_at(parsed.evidence))) == 5
        assert snapshot.receipt is not None
        assert isinstance(snapshot.receipt.leaf, RevealedLeaf)
        assert snapshot.receipt.leaf.txid.seqno == parsed.evidence
        tree = MerkleTree()
        tree.extend([each.leaf for each in recording.transactions[: parsed.seqno]])
        assert snapshot.tree().root() == tree.root()
        private = snapshot.private_maps(secrets)
        assert bool(private) is (recording.name == "eol_service")


@pytest.mark.slow
def test_a_receipt_can_be_built_for_every_transaction_with_evidence(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    tree = recording.tree()
    signatures = [
        NodeSignature.parse(value) for _, value in recording.singles(SIGNATURES)
    ]
    built = 0
    for transaction in recording.transactions:
        evidence = transaction.commit_evidence(secrets)
        later = (s for s in signatures if s.txid.seqno > transaction.txid.seqno)
        signed = next(later, None)
        if evidence is None or signed is None or signed.certificate is None:
            continue
        receipt = Receipt(
            leaf=RevealedLeaf(
                write_set_digest=transaction.entry.digest,
                commit_evidence=evidence.decode(),
                claims_digest=transaction.domain.claims_digest,
            ),
            proof=tree.path(transaction.txid.seqno, signed.txid.seqno),
            signature=signed.signature,
            node=signed.node,
            certificate=signed.certificate,
        )
        receipt.verify(recording.service_at(signed.txid.seqno))
        assert Receipt.from_json(receipt.to_json()) == receipt
        built += 1
    assert built


def members_at(recording: Recording) -> dict[str, Certificate]:
    return {
        key.decode(): Certificate.from_pem(pem.decode())
        for _, key, pem in recording.writes("public:ccf.gov.members.certs")
    }


def test_every_governance_request_is_signed_by_its_member(recording: Recording) -> None:
    members = members_at(recording)
    for _, key, value in recording.writes("public:ccf.gov.cose_history"):
        message = cose.parse(base64.b64decode(json.loads(value)))
        member = key.decode()
        assert message.protected[4] == member.encode()
        message.verify(members[member].public_key)
        assert message.protected["ccf.gov.msg.type"] in (
            "ack",
            "ballot",
            "proposal",
            "recovery_share",
            "state_digest",
            "withdrawal",
        )


def test_every_proposal_id_binds_the_request_and_the_state_it_saw(
    recording: Recording,
) -> None:
    tree = recording.tree()
    history = "public:ccf.gov.cose_history"
    proposals = 0
    for transaction in recording.transactions:
        write_set = transaction.domain.write_set
        for value in write_set.get(history, {}).values():
            message = cose.parse(base64.b64decode(json.loads(value or b"")))
            if message.protected["ccf.gov.msg.type"] != "proposal":
                continue
            request = hashlib.sha256(message.signature).digest()
            seqno = transaction.txid.seqno
            seen = {
                hashlib.sha256(tree.root(size) + request).hexdigest()
                for size in range(max(seqno - 5, 1), seqno + 1)
            }
            made = {key.decode() for key in write_set["public:ccf.gov.proposals_info"]}
            assert seen & made
            proposals += 1
    assert proposals == sum(
        1 for _ in recording.writes("public:ccf.gov.cose_recent_proposals")
    )


def test_every_acknowledged_digest_is_a_root_of_its_ledger(
    recording: Recording,
) -> None:
    tree = recording.tree()
    roots = {tree.root(size).hex() for size in range(1, len(tree) + 1)}
    digests = {
        json.loads(value)["state_digest"]
        for _, _, value in recording.writes("public:ccf.gov.members.acks")
    }
    assert digests - {""} <= roots


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_a_path_into_any_earlier_size_climbs_to_its_root(
    recording: Recording, size: int
) -> None:
    tree = recording.tree()
    for index in range(size):
        assert climb(tree.leaf(index), tree.path(index, size)) == tree.root(size)


def test_leaves_of_every_age_are_made_of_what_their_entries_have(
    recording: Recording,
) -> None:
    for transaction in recording.transactions:
        components = transaction.components
        digest = hashlib.sha256(transaction.entry.data).digest()
        assert components.write_set_digest == digest
        if components == LeafComponents(digest, None, None):
            assert components.leaf == digest
    assert TxId(2, 1) == recording.transactions[0].txid
