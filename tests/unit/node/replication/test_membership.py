"""The changes of nodes in a transaction, as consensus learns them."""

from dataclasses import replace

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.consensus.ready import EntryFacts
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.node.replication.ledger_tail import facts_of
from ccfpy.service.tables.nodes import (
    INFO,
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
)

NODE = NodeInfo(
    node_to_node_interface=NetInterface(
        bind_address="127.0.0.1:8001", published_address="127.0.0.1:8001"
    ),
    quote_info=QuoteInfo(
        format=QuoteFormat.INSECURE_VIRTUAL, quote=b"", endorsements=b""
    ),
    encryption_pub_key="PEM",
)


def written(**infos: NodeInfo) -> WriteSet:
    tx = Store().begin()
    for name, info in infos.items():
        INFO.of(tx).put(NodeId(name), info)
    return tx.writes


def test_an_entry_that_says_nothing_of_nodes_has_no_facts() -> None:
    assert facts_of({"map": {b"a": b"1"}}, 7) is None


def test_a_signature_is_one_whatever_it_says_of_nodes() -> None:
    signature = EntryFacts(size=7, is_committable=True)
    assert facts_of({}, 7, is_committable=True) == signature
    nothing = {INFO.name: {b"a": None}}
    assert facts_of(nothing, 7, is_committable=True) == signature


def test_each_status_means_something_else() -> None:
    retired = replace(NODE, status=NodeStatus.RETIRED)
    facts = facts_of(
        written(
            a=NODE,
            b=replace(NODE, status=NodeStatus.TRUSTED),
            c=retired,
            d=replace(retired, retired_committed=True),
        ),
        1,
    )
    assert facts is not None
    assert facts.trusted == {"b"}
    assert facts.retired == {"c"}
    assert facts.retired_committed == {"d"}


def test_a_removed_record_changes_nothing() -> None:
    assert facts_of({INFO.name: {b"a": None}}, 1) == EntryFacts(size=1)


def test_what_is_no_record_of_a_node_is_refused() -> None:
    with pytest.raises(Malformed):
        facts_of({INFO.name: {b"a": b"{}"}}, 1)
