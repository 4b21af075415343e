"""The signature transactions that a backup refuses, with the reasons."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.kv.changes import Writes
from ccfpy.kv.store import Store
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, SINGLE_KEY
from ccfpy.node.replication.verification import check_signature
from ccfpy.service.tables import nodes
from tests.unit.node.replication.test_ledger_tail import (
    CERTIFICATE,
    SERVICE,
    SIGNER,
    Ledger,
)


@pytest.fixture
def store() -> Store:
    ledger = Ledger()
    ledger.put_credentials()
    return ledger.store


TREE = MerkleTree([bytes(32), b"\x01" * 32])
SIGNED = SIGNER.sign(TxId(2, 2), TREE, issued_at=1)


def test_a_signature_over_this_nodes_root_is_taken(store: Store) -> None:
    signature = check_signature(SIGNED, TxId(2, 2), TREE, store)
    assert signature.node == SIGNER.node


def test_one_without_a_signature_of_the_service_is_taken(store: Store) -> None:
    oldest = {name: w for name, w in SIGNED.items() if name != COSE_SIGNATURES}
    assert check_signature(oldest, TxId(2, 2), TREE, store).root == TREE.root()


def changed(**changes: object) -> Mapping[str, Writes]:
    signature = NodeSignature.parse(SIGNED[SIGNATURES][SINGLE_KEY] or b"")
    value = replace(signature, **changes).serialise()  # type: ignore[arg-type]  # as named
    return {**SIGNED, SIGNATURES: {SINGLE_KEY: value}}


@pytest.mark.parametrize(
    ("writes", "words"),
    [
        (changed(txid=TxId(3, 2)), "signs as 3.2"),
        (changed(root=b"\x02" * 32), "another root"),
        (changed(node=NodeId("cd" * 32)), "no certificate is known"),
        (changed(signature=b"\x30\x00"), "signature"),
        (
            {**SIGNED, COSE_SIGNATURES: Ledger.cose_of_another_service(TREE)},
            "service key",
        ),
    ],
)
def test_anything_else_is_not(
    store: Store, writes: Mapping[str, Writes], words: str
) -> None:
    with pytest.raises(VerificationFailed, match=words):
        check_signature(writes, TxId(2, 2), TREE, store)


@pytest.mark.parametrize("table", [SIGNATURES, COSE_SIGNATURES])
def test_a_signature_that_removes_its_own_value_is_malformed(
    store: Store, table: str
) -> None:
    with pytest.raises(Malformed, match="without a value"):
        check_signature({**SIGNED, table: {SINGLE_KEY: None}}, TxId(2, 2), TREE, store)


def test_nobody_is_believed_before_a_service_is_known() -> None:
    with pytest.raises(VerificationFailed, match="no certificate is known"):
        check_signature(SIGNED, TxId(2, 2), TREE, Store())


@pytest.mark.slow
def test_a_renewed_certificate_is_held_to_the_key_it_certifies(store: Store) -> None:
    check_signature(SIGNED, TxId(2, 2), TREE, store)
    tx = store.begin()
    nodes.ENDORSED_CERTIFICATES.of(tx).put(SIGNER.node, SERVICE.certificate.pem)
    store.commit(tx)
    with pytest.raises(VerificationFailed, match="signature"):
        check_signature(SIGNED, TxId(2, 2), TREE, store)


def test_more_signers_than_are_kept_ready_are_all_known(store: Store) -> None:
    for number in range(limits.SIGNERS_CACHED_MAX + 1):
        tx = store.begin()
        text = f"{CERTIFICATE.pem}# {number}\n"
        nodes.ENDORSED_CERTIFICATES.of(tx).put(SIGNER.node, text)
        store.commit(tx)
        check_signature(SIGNED, TxId(2, 2), TREE, store)
