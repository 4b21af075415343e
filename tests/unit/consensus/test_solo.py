"""A quorum of one: signatures commit at once, and only signatures do."""

import pytest

from ccfpy.consensus.solo import SoloConsensus


def test_only_a_signature_moves_the_commit() -> None:
    consensus = SoloConsensus(view=2)
    assert consensus.append(1, is_committable=False) is False
    assert (consensus.commit_seqno, consensus.uncommitted) == (0, 1)
    assert consensus.append(2, is_committable=True) is True
    assert (consensus.commit_seqno, consensus.committable_seqno) == (2, 2)
    assert consensus.uncommitted == 0
    assert consensus.history.view_of(2) == 2


def test_entries_come_in_order() -> None:
    consensus = SoloConsensus(view=2)
    with pytest.raises(AssertionError):
        consensus.append(2, is_committable=False)
