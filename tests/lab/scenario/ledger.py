"""The entries that a scenario's nodes write: payloads that say what they do."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.history import ViewHistory
from ccfpy.consensus.ready import EntryFacts


class Kind(StrEnum):
    """What an entry is for."""

    RAW = "raw"
    RECONFIGURATION = "reconfiguration"
    RETIRED_COMMITTED = "retired_committed"


@dataclass(frozen=True, eq=False)
class LedgerEntry:
    """One entry: its place, and what consensus needs to know of it.

    It equals only itself: every holder has it from its writer.

    Attributes:
        tx_id: its place, which a real entry proves by its encryption.
        kind: what it is for.
        data: its payload.
        is_committable: whether it is a signature.
        nodes: the configuration, or the nodes whose retirement is recorded.
        removed: the nodes that the configuration leaves out.
    """

    tx_id: TxId
    kind: Kind
    data: bytes
    is_committable: bool = False
    nodes: frozenset[NodeId] = frozenset()
    removed: frozenset[NodeId] = frozenset()

    @property
    def configuration(self) -> frozenset[NodeId] | None:
        """Who counts from here on, if this is a reconfiguration."""
        return self.nodes if self.kind is Kind.RECONFIGURATION else None

    @property
    def retired_committed(self) -> frozenset[NodeId]:
        """Nodes whose completed retirement this records."""
        is_record = self.kind is Kind.RETIRED_COMMITTED
        return self.nodes if is_record else frozenset()

    @cached_property
    def meta(self) -> EntryFacts:
        """What consensus is told; its size is that of CCF's own stand-in entries."""
        encoded = base64.b64encode(self.data).decode()
        stored = json.dumps(
            {"data": encoded, "type": self.kind.value}, separators=(",", ":")
        )
        return EntryFacts(
            size=len(stored),
            is_committable=self.is_committable,
            trusted=self.configuration or frozenset(),
            retired=self.removed,
            retired_committed=self.retired_committed,
        )


def view_starts(entries: Sequence[LedgerEntry]) -> tuple[Seqno, ...]:
    """Return the first seqno of each view, from view 1, as a snapshot stores them."""
    history = ViewHistory()
    for entry in entries:
        history.note(entry.tx_id.view, entry.tx_id.seqno)
    return history.starts


def latest_configuration(entries: Sequence[LedgerEntry]) -> list[Configuration]:
    """Return the configuration that entries leave, as a snapshot has it; or none."""
    latest: list[Configuration] = []
    for entry in entries:
        nodes = entry.configuration
        if nodes is not None and not (latest and latest[0].nodes == nodes):
            latest = [Configuration(seqno=entry.tx_id.seqno, nodes=nodes)]
    return latest


def nodes_payload(nodes: frozenset[NodeId]) -> bytes:
    """Write a set of nodes as CCF does: an object of addresses, which are empty."""
    return json.dumps(
        {node: {"address": ":"} for node in sorted(nodes)}, separators=(",", ":")
    ).encode()
