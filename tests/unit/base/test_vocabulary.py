"""CCF's enumerations: the words that ledgers and clients compare."""

from enum import StrEnum

import pytest

from ccfpy.base.vocabulary import NodeStatus, RecoveryRole, ServiceStatus

WORDS = (
    (ServiceStatus, "Opening Open WaitingForRecoveryShares Recovering"),
    (NodeStatus, "Pending Trusted Retired"),
    (RecoveryRole, "NonParticipant Participant Owner"),
)


@pytest.mark.parametrize(("enumeration", "words"), WORDS)
def test_the_words_are_those_that_ccf_writes(
    enumeration: type[StrEnum], words: str
) -> None:
    assert [each.value for each in enumeration] == words.split()
