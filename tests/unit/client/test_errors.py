import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.client.errors import (
    ClientError,
    NotCommitted,
    ServiceError,
    UnexpectedReply,
    Unreachable,
)


def test_a_services_error_is_told_in_one_line() -> None:
    error = ServiceError(404, "ProposalNotFound", "No such proposal", details=[1])
    assert str(error) == "404 ProposalNotFound: No such proposal"
    assert error.details == [1]


def test_an_error_without_words_is_its_status() -> None:
    assert str(ServiceError(502, "", "")) == "502"


@pytest.mark.parametrize("is_final", [True, False])
def test_a_transaction_that_is_not_committed_is_named(*, is_final: bool) -> None:
    error = NotCommitted(TxId(2, 7), "was lost", is_final=is_final)
    assert str(error) == "transaction 2.7 was lost"
    assert error.is_final is is_final


@pytest.mark.parametrize(
    "kind", [Unreachable, ServiceError, UnexpectedReply, NotCommitted]
)
def test_every_failure_can_be_caught_as_one(kind: type[Exception]) -> None:
    assert issubclass(kind, ClientError)
    assert issubclass(ClientError, CcfpyError)
