"""The changes of nodes in a transaction, as consensus learns them."""

from dataclasses import replace

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.node.replication.membership import facts_of
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


def test_an_entry_that_says_nothing_of_nodes_has_its_size_alone() -> None:
    facts = facts_of({"map": {b"a": b"1"}}, 7)
    assert facts.size == 7
    assert not facts.is_committable
    assert not (facts.trusted)
    assert not (facts.retired)
    assert not (facts.retired_committed)
    assert facts_of({}, 1, is_committable=True).is_committable


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
    assert facts.trusted == {"b"}
    assert facts.retired == {"c"}
    assert facts.retired_committed == {"d"}


def test_a_removed_record_changes_nothing() -> None:
    facts = facts_of({INFO.name: {b"a": None}}, 1)
    assert not (facts.trusted)
    assert not (facts.retired)
    assert not (facts.retired_committed)


def test_what_is_no_record_of_a_node_is_refused() -> None:
    with pytest.raises(Malformed):
        facts_of({INFO.name: {b"a": b"{}"}}, 1)
