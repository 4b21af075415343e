"""A traitor's messages have the form of consensus, and hostile values."""

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.consensus.messages import Message, decode
from tests.lab.attacks.traitor import hostile_messages


def test_its_messages_are_of_every_kind_that_a_primary_may_be_believed_in() -> None:
    said = list(hostile_messages(3, TxId(3, 40)))
    kinds = {type(message).__name__ for message in said}
    assert kinds == {
        "AppendEntries",
        "AppendEntriesResponse",
        "ProposeRequestVote",
        "RequestVoteResponse",
    }
    assert any(_is_read(message) for message in said)


def _is_read(message: Message) -> bool:
    try:
        return decode(message.encode()) == message
    except Malformed:
        return False
