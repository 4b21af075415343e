"""A state is whole when its entry, its signature and its proof are there."""

import pytest

from ccfpy.base.ids import Seqno
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.endpoints.history import HistoricalState, HistoryFailed
from ccfpy.node.history.past_state import HistoryRequest
from tests.unit.ledger.made import SECOND
from tests.unit.node.history.world import Story, World, recovered


def _state(world: World, seqno: Seqno) -> HistoricalState:
    world.cache.state_at("one", seqno)
    world.work()
    state = world.cache.state_at("one", seqno)
    assert state is not None
    return state


def test_it_has_what_the_transaction_wrote_in_public_and_in_private() -> None:
    state = _state(World(recovered()), 5)

    assert str(state.txid) == "2.5"
    assert state.tx.raw("messages").get(b"1") == b"old one"
    assert state.tx.raw("public:log").get(b"1") == b"x"
    assert state.tx.raw("public:ccf.gov.service.info").get(bytes(8)) is None


@pytest.mark.parametrize("seqno", range(1, 14))
def test_every_transaction_is_proved_to_who_knows_todays_service(seqno: Seqno) -> None:
    receipt = _state(World(recovered()), seqno).receipt

    receipt.json_receipt.verify(SECOND.certificate)
    assert receipt.json_receipt.is_signature_transaction is (
        seqno in (2, 4, 7, 9, 11, 13)
    )


@pytest.mark.parametrize(("seqno", "is_old"), [(5, True), (6, True), (12, False)])
def test_so_it_is_by_its_cose_receipt(seqno: Seqno, is_old: bool) -> None:
    receipt = _state(World(recovered()), seqno).receipt
    data = receipt.cose_receipt()
    assert data is not None
    assert (receipt.cose_endorsements is not None) is is_old

    CoseReceipt.parse(data).verify(
        SECOND.key.public_key, endorsements=receipt.cose_endorsements or ()
    )


def test_an_entry_that_its_signature_does_not_cover_is_refused() -> None:
    """As a trusted node that breaks the rules could write it."""
    story = Story()
    seqno, _ = story.say("text", "another")
    story.ledger.tree.retract(seqno - 1)
    story.ledger.tree.extend([bytes(32), bytes(32)])
    story.sign()
    world = World(story)
    assert world.cache.states_range("one", seqno, seqno + 1) is None

    # The first is enough to give up both.
    assert world.complaints() == [
        (
            "Corrupt ledger entry received for seqno 3: the signature at 2.5 does not "
            "cover entry 3"
        )
    ]
    assert world.cache.is_settled("one")
    assert world.cache.state_at("one", seqno) is None


def test_a_request_is_settled_when_nothing_lacks_or_nothing_will_come() -> None:
    whole, lacking, failed = (HistoryRequest("a", (1,), 9) for _ in range(3))
    lacking.lacking = failed.lacking = 1
    failed.failure = HistoryFailed("lost")

    settled = [request.is_settled for request in (whole, lacking, failed)]
    assert settled == [True, False, True]
