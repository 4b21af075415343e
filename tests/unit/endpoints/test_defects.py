"""A caller learns the kind of a defect, and no detail of it."""

import pytest

from ccfpy.base.errors import Unwritable
from ccfpy.base.ids import TxId
from ccfpy.base.ports import CallStopped
from ccfpy.endpoints.refusals import FAILED, Marks, words_for


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CallStopped("it took", is_late=True), "Operation took too long to complete."),
        (CallStopped("it took", is_late=False), "Operation took too much memory."),
        (Unwritable("private"), "The answer is too large, or of no form that can be"),
        (KeyError("private"), FAILED),
    ],
)
def test_a_defect_has_its_words(error: Exception, words: str) -> None:
    assert words_for(error).startswith(words)
    assert "private" not in words_for(error)


def test_the_log_names_trace_and_transaction_where_there_are_any() -> None:
    assert str(Marks()) == ""
    assert str(Marks("ab")) == ", trace ab"
    assert str(Marks("ab", TxId(2, 7))) == ", trace ab, transaction 2.7"
    assert str(Marks(transaction=TxId(2, 7))) == ", transaction 2.7"
