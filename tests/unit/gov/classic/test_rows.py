"""Endpoints of the classic API are declared above their handlers."""

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Forwarding, Mode
from ccfpy.gov.classic.rows import Rows
from ccfpy.http.messages import Response
from tests.unit.gov.conftest import Governed


def _read(_: Context) -> Response:
    """Say what this is."""
    raise AssertionError("declared, never called")


def test_a_read_is_anybodys_and_deprecated(governed: Governed) -> None:
    rows = Rows()
    assert rows.add("/here", bool)(_read) is _read
    (row,) = rows
    endpoint = row.endpoint(governed.node)
    assert (endpoint.method, endpoint.path, endpoint.auth) == ("GET", "/here", ())
    assert (endpoint.mode, endpoint.forwarding) == (
        Mode.READ_ONLY,
        Forwarding.SOMETIMES,
    )
    assert endpoint.operation.deprecated
    assert endpoint.operation.summary == "Say what this is."
    assert endpoint.operation.success_status == 200


def test_what_is_the_primarys_is_forwarded(governed: Governed) -> None:
    rows = Rows()
    rows.add("/here", None, is_primarys=True)(_read)
    endpoint = rows[0].endpoint(governed.node)
    assert endpoint.forwarding is Forwarding.ALWAYS
    assert endpoint.operation.success_status == 204
