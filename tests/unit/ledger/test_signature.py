"""The three tables of a signature transaction."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.crypto import cose
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import CoseSignature, NodeSignature, is_signature
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    SIGNATURE_TABLES,
    SIGNATURES,
    SINGLE_KEY,
    TREE,
)
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND

TREE_OF_FIVE = MerkleTree()
TREE_OF_FIVE.extend(sha256(b"%d" % n) for n in range(4))
ROOT = TREE_OF_FIVE.root()
TABLES = FIRST.signer.sign(TxId(2, 5), TREE_OF_FIVE, issued_at=ISSUED_AT)


def value(table: str) -> bytes:
    held = TABLES[table][SINGLE_KEY]
    assert held is not None
    return held


def test_a_signature_writes_the_three_tables_and_nothing_else() -> None:
    assert list(TABLES) == sorted(SIGNATURE_TABLES)
    assert is_signature(TABLES)
    assert all(list(writes) == [SINGLE_KEY] for writes in TABLES.values())
    assert value(TREE) == TREE_OF_FIVE.serialise()


def test_the_nodes_signature_has_ccfs_fields() -> None:
    fields = json.loads(value(SIGNATURES))
    assert list(fields) == sorted(fields)
    signature = fields.pop("sig")
    assert fields == {
        "cert": FIRST.node_certificate.pem,
        "commit_seqno": 0,
        "commit_view": 0,
        "hashed_nonce": "0" * 64,
        "node": FIRST.node,
        "root": ROOT.hex(),
        "seqno": 5,
        "view": 2,
    }
    FIRST.node_key.public_key.verify_digest(base64.b64decode(signature), ROOT)


def test_the_services_signature_has_ccfs_headers_in_ccfs_order() -> None:
    message = cose.parse(base64.b64decode(json.loads(value(COSE_SIGNATURES))))
    key_id = sha256_hex(FIRST.key.public_key.der).encode()
    assert list(message.protected.items()) == [
        (1, -35),
        (4, key_id),
        (395, 2),
        (15, {6: ISSUED_AT, 1: "issuer", 2: "subject"}),
        ("ccf.v1", {"txid": "2.5"}),
    ]
    assert list(message.protected[15]) == [6, 1, 2]
    assert (dict(message.unprotected), message.payload) == ({}, None)
    message.verify(FIRST.key.public_key, detached_payload=ROOT)


def test_both_signatures_read_back_and_hold() -> None:
    by_node = NodeSignature.parse(value(SIGNATURES))
    assert by_node.serialise() == value(SIGNATURES)
    assert (by_node.txid, by_node.root) == (TxId(2, 5), ROOT)
    by_node.verify(FIRST.node_key.public_key)
    by_service = CoseSignature.parse(value(COSE_SIGNATURES))
    assert by_service.serialise() == value(COSE_SIGNATURES)
    assert by_service.txid == TxId(2, 5)
    by_service.verify(FIRST.key.public_key, ROOT)


def test_neither_holds_for_another_key_or_root() -> None:
    by_node = NodeSignature.parse(value(SIGNATURES))
    with pytest.raises(VerificationFailed):
        by_node.verify(SECOND.node_key.public_key)
    by_service = CoseSignature.parse(value(COSE_SIGNATURES))
    with pytest.raises(VerificationFailed, match="signed by the service key"):
        by_service.verify(SECOND.key.public_key, ROOT)
    with pytest.raises(VerificationFailed):
        by_service.verify(FIRST.key.public_key, sha256(ROOT))


def test_a_node_without_the_services_key_signs_alone() -> None:
    alone = type(FIRST.signer)(
        node=FIRST.node,
        node_key=FIRST.node_key,
        node_certificate=FIRST.node_certificate.pem,
        service_key=None,
    )
    tables = alone.sign(TxId(2, 5), TREE_OF_FIVE, issued_at=ISSUED_AT)
    assert list(tables) == [SIGNATURES, TREE]
    assert is_signature(tables)


def test_only_the_requested_part_of_the_tree_is_stored() -> None:
    tables = FIRST.signer.sign(
        TxId(2, 5), TREE_OF_FIVE, issued_at=ISSUED_AT, stored_from=3
    )
    assert tables[TREE][SINGLE_KEY] == TREE_OF_FIVE.serialise(3)


def test_a_tree_that_does_not_end_before_the_signature_is_not_signed() -> None:
    with pytest.raises(AssertionError):
        FIRST.signer.sign(TxId(2, 6), TREE_OF_FIVE, issued_at=ISSUED_AT)


def test_signing_keys_never_show() -> None:
    assert "key=" not in repr(FIRST.signer)


def test_other_transactions_are_no_signatures() -> None:
    assert not is_signature({})
    assert not is_signature({"public:log": {b"k": b"v"}})
    assert not is_signature({TREE: {SINGLE_KEY: b""}})
    with pytest.raises(Malformed, match="also writes"):
        is_signature({SIGNATURES: {}, "public:log": {}})


def test_the_oldest_signatures_have_no_certificate() -> None:
    fields = json.loads(value(SIGNATURES))
    del fields["cert"]
    read = NodeSignature.parse(json.dumps(fields).encode())
    assert read.certificate is None
    assert b"cert" not in read.serialise()


@pytest.mark.parametrize("name", ["node", "root", "seqno", "view", "sig"])
@pytest.mark.parametrize("other", [None, [], "no", -1, True], ids=str)
def test_a_node_signature_with_a_wrong_field_is_malformed(
    name: str, other: object
) -> None:
    if name == "node" and isinstance(other, str):
        return
    fields = {**json.loads(value(SIGNATURES)), name: other}
    with pytest.raises(Malformed, match=name):
        NodeSignature.parse(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "header",
    [
        {4: b"id", 395: 2},
        {4: b"id", 395: 2, "ccf.v1": {}},
        {4: b"id", 395: 2, "ccf.v1": {"txid": "0.1"}},
        {4: b"id", 395: 1, "ccf.v1": {"txid": "2.5"}},
        {4: "id", 395: 2, "ccf.v1": {"txid": "2.5"}},
        {4: b"\xff", 395: 2, "ccf.v1": {"txid": "2.5"}},
        {395: 2, "ccf.v1": {"txid": "2.5"}},
    ],
)
def test_a_cose_message_with_other_headers_is_no_signature_of_a_root(
    header: cose.Header,
) -> None:
    data = cose.sign(FIRST.key, protected=header, payload=ROOT, detached=True)
    with pytest.raises(Malformed):
        CoseSignature.from_cose(data)


def test_a_cose_signature_that_carries_a_payload_is_refused() -> None:
    key_id = sha256_hex(FIRST.key.public_key.der).encode()
    header: cose.Header = {4: key_id, 395: 2, "ccf.v1": {"txid": "2.5"}}
    data = cose.sign(FIRST.key, protected=header, payload=ROOT)
    with pytest.raises(VerificationFailed, match="must not carry a payload"):
        CoseSignature.from_cose(data).verify(FIRST.key.public_key, ROOT)


@pytest.mark.parametrize("stored", [b"", b"1", b'"!"', b'""', b'"AAAA"'])
def test_what_is_no_cose_signature_is_malformed(stored: bytes) -> None:
    with pytest.raises(Malformed):
        CoseSignature.parse(stored)


@given(st.sampled_from([SIGNATURES, COSE_SIGNATURES]), st.data())
def test_a_flipped_bit_in_either_record_never_verifies_differently(
    table: str, data: st.DataObject
) -> None:
    changed = bytearray(value(table))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    with suppress(CcfpyError):
        if table == SIGNATURES:
            by_node = NodeSignature.parse(bytes(changed))
            by_node.verify(FIRST.node_key.public_key)
            assert by_node.root == ROOT
        else:
            by_service = CoseSignature.parse(bytes(changed))
            by_service.verify(FIRST.key.public_key, ROOT)
            assert by_service.txid == TxId(2, 5)
