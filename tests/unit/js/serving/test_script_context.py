"""A guest's world: the time it sees, the node it asks, what it forgets."""

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from tests.unit.endpoints.world import NOW_S
from tests.unit.js.serving.installed import Installed


def test_time_stands_still_until_it_is_let_run() -> None:
    body = """
        const wait = () => { for (let i = 0; i < 3e5; i++); };
        const first = Date.now();
        wait();
        const still = Date.now() === first;
        ccf.enableUntrustedDateTime(true);
        const start = Date.now();
        while (Date.now() === start);
        return { body: [first, still] };
    """
    assert Installed().value(body) == [NOW_S * 1000, True]


def test_consensus_is_the_nodes() -> None:
    installed = Installed()
    installed.node.committed = TxId(2, 7)
    installed.node.statuses[TxId(2, 7)] = TxStatus.COMMITTED
    body = """
        const { view, seqno } = ccf.consensus.getLastCommittedTxId();
        return { body: [
            view, seqno,
            ccf.consensus.getStatusForTxId(view, seqno),
            ccf.consensus.getViewForSeqno(1),
        ] };
    """
    assert installed.value(body) == [2, 7, "Committed", 2]


def test_randomness_is_the_nodes() -> None:
    body = "return { body: [Math.random(), Math.random()] }"
    numbers = Installed().value(body)
    assert numbers == Installed().value(body)
    assert isinstance(numbers, list)
    assert numbers[0] != numbers[1]


def test_governance_has_functions_that_an_application_lacks() -> None:
    body = """
        return { body: [typeof ccf.node, typeof ccf.network,
                        typeof ccf.setJwtPublicSigningKeys, typeof ccf.gov] };
    """
    assert Installed().value(body) == ["undefined"] * 3 + ["object"]
