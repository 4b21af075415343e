"""A row of the API says how it is called."""

from ccfpy.endpoints.auth.cose import MemberCoseSign1
from ccfpy.endpoints.context import Context
from ccfpy.gov.operations import GovOperation
from ccfpy.http.messages import Response


def documented(_: Context) -> Response:
    """Do one thing.

    And explain it.
    """
    return Response(status=200)


def test_a_read_is_a_get_and_a_signed_operation_a_post() -> None:
    read = GovOperation(
        path="/a/{b}/{c}:d", handler=documented, operation_id="A", returns="X"
    )
    signed = GovOperation(
        path="/a",
        handler=documented,
        operation_id="B",
        returns=None,
        policy=MemberCoseSign1("ack"),
    )
    assert (read.method, signed.method) == ("GET", "POST")
    assert read.path_parameters == ("b", "c")
    assert read.description == "Do one thing."


def test_an_undocumented_handler_has_an_empty_description() -> None:
    bare = GovOperation(
        path="/",
        handler=lambda _: Response(status=200),
        operation_id="C",
        returns=None,
    )
    assert bare.description == ""
