"""Requests of governance that a node refuses, and the answers."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.js.quickjs import QuickJs
from ccfpy.node.governance import NodeGovernance
from ccfpy.node.running import RunningNode
from ccfpy.service.records import Refused
from ccfpy.service.tables import service
from ccfpy.testing.node import InProcessNode, StoppedClock


@pytest.fixture
def running(node: InProcessNode) -> RunningNode:
    booted = node.trusted.running
    assert booted is not None
    return booted


@pytest.fixture
def governance(running: RunningNode) -> NodeGovernance:
    return NodeGovernance(running, QuickJs(StoppedClock()))


def test_a_root_is_known_as_far_back_as_the_tree_remembers(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tree = running.tail.settled_tree()
    latest = len(tree) - 1
    assert governance.root_at(2) == tree.root(3)
    tree.flush(5)
    assert governance.root_at(2) is None
    assert governance.root_at(latest) == tree.root()


def test_the_secret_in_force_is_named_by_where_it_began(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tx = running.begin(read_only=True)
    assert governance.latest_ledger_secret_seqno(tx) == 1
    assert len(running.tail.secrets) == 1


@pytest.mark.parametrize(
    ("request_pem", "valid_from"),
    [("no request", "250601000000Z"), ("no request", "some day")],
)
def test_a_certificate_is_not_made_of_nothing(
    governance: NodeGovernance, request_pem: str, valid_from: str
) -> None:
    with pytest.raises(Malformed):
        governance.generate_endorsed_certificate(
            request_pem, valid_from=valid_from, validity_days=1
        )


def test_a_service_that_is_open_is_not_opened_again(
    governance: NodeGovernance, running: RunningNode, node: InProcessNode
) -> None:
    before = running.tail.last_seqno
    tx = running.begin(read_only=False)
    governance.transition_service_to_open(
        tx, previous_identity=None, next_identity=node.service_certificate
    )
    assert running.commit(tx, None) is not None
    assert running.tail.last_seqno == before, "nothing was written"


def test_no_shares_are_issued_without_a_threshold(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tx = running.begin(read_only=False)
    service.CONFIGURATION.of(tx).remove()
    with pytest.raises(Refused, match="recovery threshold"):
        governance.trigger_ledger_rekey(tx)
    with pytest.raises(Refused, match="recovery threshold"):
        governance.trigger_recovery_shares_refresh(tx)


def test_a_service_that_was_not_recovered_waits_for_no_shares(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tx = running.begin(read_only=False)
    assert not governance.is_reading_private_ledger
    with pytest.raises(Refused, match="is not being recovered"):
        governance.initiate_private_recovery(tx)
