"""The outputs of consensus are gathered, and handed over once."""

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.messages import AppendEntries, ProposeRequestVote
from ccfpy.consensus.ready import OfferedEntries, Ready, ReadyBuilder, Send


def test_an_outbox_gives_what_it_gathered_once() -> None:
    builder = ReadyBuilder()
    builder.rollback_to = 3
    builder.commit_to = 2
    builder.is_cleanup_due = True
    send = Send(NodeId("1"), ProposeRequestVote(view=2))
    builder.messages.append(send)
    assert builder.take() == Ready(
        rollback_to=3, commit_to=2, is_cleanup_due=True, messages=(send,)
    )
    assert builder.take() == Ready()


def test_an_offer_counts_the_entries_that_are_new() -> None:
    message = AppendEntries(
        view=4, previous=TxId(2, 5), last=TxId(3, 9), leader_commit=5
    )
    offer = OfferedEntries(NodeId("1"), message, 7)
    assert (offer.view, offer.entry_count) == (3, 3)
