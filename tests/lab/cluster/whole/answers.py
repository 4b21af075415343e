"""What nodes tell of the past, held against what is final.

The proofs are verified as anybody would who knows the service's certificate alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno
from ccfpy.base.json import JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from tests.lab.cluster.whole.host import SimulatedNode
from tests.lab.invariants.violated import Violated


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTold:
    """A past transaction, as a node told it."""

    node: str
    seqno: Seqno
    told: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTold:
    """What an index said of a key.

    Attributes:
        reached: how far the index had come.
        seqnos: the transactions that wrote the key.
    """

    node: str
    key: str
    reached: Seqno
    seqnos: list[Seqno]


def past_told(node: SimulatedNode, last: Seqno, body: bytes) -> list[PastTold]:
    """Read an answer about the past.

    Raises:
        Violated: it is of transactions that are not committed.
    """
    _check_committed("HistoryIsFinal", node, last)
    states = json.loads(body)
    assert isinstance(states, list), body
    told = []
    for seqno, state in enumerate(states, last + 1 - len(states)):
        assert isinstance(state, dict), body
        told.append(PastTold(node=node.name, seqno=seqno, told=state))
    return told


def index_told(node: SimulatedNode, key: str, body: bytes) -> IndexTold:
    """Read an answer of an index.

    Raises:
        Violated: it covers transactions that are not committed.
    """
    told = json.loads_object(body)
    reached, seqnos = told["reached"], told["seqnos"]
    assert isinstance(reached, int), body
    assert isinstance(seqnos, list), body
    _check_committed("IndexIsFinal", node, reached)
    return IndexTold(
        node=node.name,
        key=key,
        reached=reached,
        seqnos=[seqno for seqno in seqnos if isinstance(seqno, int)],
    )


def _check_committed(invariant: str, node: SimulatedNode, seqno: Seqno) -> None:
    committed = node.running.replication.raft.log.commit_seqno
    if seqno > committed:
        raise Violated(
            invariant, f"node {node.name} told of {seqno}, and committed {committed}"
        )


def check_past(
    told: Iterable[PastTold],
    *,
    transactions: Sequence[Transaction],
    tables: Sequence[Sequence[str]],
    service: Certificate,
) -> None:
    """Check what was told of the past, and its proofs.

    Args:
        told: by whichever node.
        transactions: that are final, from seqno 1 on.
        tables: that each of them wrote to.
        service: whose ledger it is.

    Raises:
        Violated: another transaction was told, or a proof is of another or of none.
    """
    for each in told:
        where = f"node {each.node} of {each.seqno}"
        final = transactions[each.seqno - 1]
        if each.told["txid"] != str(final.txid):
            raise Violated("HistoryIsLedger", f"{where}: {each.told['txid']}")
        if each.told["tables"] != tables[each.seqno - 1]:
            raise Violated("HistoryIsLedger", f"{where}: {each.told['tables']}")
        try:
            _check_receipt(each.told["receipt"], final, service)
        except CcfpyError as error:
            raise Violated("ReceiptsVerify", f"{where}: {error}") from None


def _check_receipt(told: object, final: Transaction, service: Certificate) -> None:
    assert isinstance(told, dict), told
    receipt = Receipt.from_json(told)
    receipt.verify(service)
    leaf = receipt.leaf
    if isinstance(leaf, RevealedLeaf):
        components = final.components
        proved: object = leaf.txid, leaf.write_set_digest, leaf.claims_digest
        if proved != (
            final.txid,
            components.write_set_digest,
            components.claims_digest,
        ):
            raise Violated("ReceiptsVerify", f"{final.txid}: {proved}")


def check_indexes(
    told: Iterable[IndexTold], *, writes: Mapping[str, Sequence[Seqno]]
) -> None:
    """Check what indexes said.

    Args:
        told: by whichever node.
        writes: the final transactions that wrote each key.

    Raises:
        Violated: an index lacks a transaction, or has one that is none.
    """
    for each in told:
        expected = [
            seqno for seqno in writes.get(each.key, ()) if seqno <= each.reached
        ]
        if each.seqnos != expected:
            raise Violated(
                "IndexIsLedger",
                f"node {each.node}, key {each.key}, up to {each.reached}: "
                f"{each.seqnos}, not {expected}",
            )
