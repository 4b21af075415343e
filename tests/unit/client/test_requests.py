import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps
from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.connection import Connection
from ccfpy.client.errors import (
    ClientError,
    NotCommitted,
    ServiceError,
    UnexpectedReply,
    Unreachable,
)
from ccfpy.client.requests import (
    TXID_HEADER,
    Options,
    Reply,
    Sending,
    Writing,
    text_field,
)

METHODS = [
    name
    for name, value in vars(Connection).items()
    if inspect.iscoroutinefunction(value) and not name.startswith("_")
]


@pytest.mark.parametrize("name", METHODS)
def test_both_forms_of_the_client_take_the_same(name: str) -> None:
    awaited, blocking = (
        inspect.signature(getattr(form, name))
        for form in (Connection, BlockingConnection)
    )
    assert awaited == blocking


@pytest.mark.parametrize("options", [Options, Sending, Writing])
def test_each_option_is_described(options: type) -> None:
    described = "".join(
        inspect.getdoc(kind) or "" for kind in (Options, Sending, Writing)
    )
    for name in options.__annotations__:
        assert f"    {name}: " in described


def _reply(status: int = 200, body: bytes = b"", txid: str | None = None) -> Reply:
    headers = {} if txid is None else {TXID_HEADER: txid}
    return Reply(status=status, headers=headers, body=body)


def test_the_transaction_is_read_from_its_header() -> None:
    assert _reply(txid="2.15").txid == TxId(2, 15)
    assert _reply().txid is None


def test_a_header_that_names_no_transaction_is_unexpected() -> None:
    with pytest.raises(UnexpectedReply, match="not a transaction id"):
        _ = _reply(txid="two").txid


def test_a_body_is_read_as_json() -> None:
    assert _reply(body=b'{"a": [1]}').object() == {"a": [1]}
    assert _reply(body=b"true").json() is True


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_a_body_that_is_not_json_is_shown(body: bytes) -> None:
    with pytest.raises(UnexpectedReply, match="expected JSON"):
        _reply(body=body).json()


def test_a_body_of_another_kind_is_no_object() -> None:
    with pytest.raises(UnexpectedReply, match="expected a JSON object"):
        _reply(body=b"[1]").object()


def test_a_reply_that_is_no_error_is_given_back() -> None:
    reply = _reply(204)
    assert reply.raise_for_error() is reply


def test_an_error_is_taken_apart() -> None:
    error = {"code": "InvalidInput", "message": "no id", "details": [{"x": 1}]}
    with pytest.raises(ServiceError) as caught:
        _reply(400, dumps({"error": error})).raise_for_error()
    assert caught.value.status == 400
    assert caught.value.code == "InvalidInput"
    assert caught.value.message == "no id"
    assert caught.value.details == [{"x": 1}]


@given(st.binary(max_size=300), st.integers(400, 599))
def test_an_error_of_any_form_keeps_its_status(body: bytes, status: int) -> None:
    with pytest.raises(ServiceError) as caught:
        _reply(status, body).raise_for_error()
    assert caught.value.status == status


@pytest.mark.parametrize("error", [None, 1, [], {"code": 1, "message": None}])
def test_an_error_in_another_shape_has_no_code(error: object) -> None:
    with pytest.raises(ServiceError) as caught:
        _reply(500, dumps({"error": error})).raise_for_error()
    assert caught.value.code == ""


def test_a_field_must_be_text() -> None:
    assert text_field({"a": "b"}, "a") == "b"
    for fields in ({}, {"a": 1}, {"a": None}):
        with pytest.raises(UnexpectedReply, match="expected text as 'a'"):
            text_field(dict(fields), "a")


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
