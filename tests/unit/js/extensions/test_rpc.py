"""``ccf.rpc``."""

import pytest

from ccfpy.js.engine import JsException
from ccfpy.js.extensions.rpc import rpc_extension
from tests.unit.js.conftest import Evaluate


class Request:
    claims_digest: bytes | None = None
    apply_writes: bool | None = None


def test_an_endpoint_decides_about_its_writes_and_claims(evaluate: Evaluate) -> None:
    request = Request()
    body = "ccf.rpc.setApplyWrites(1); ccf.rpc.setClaimsDigest(args[0])"
    evaluate(body, [rpc_extension(lambda: request)], bytes(range(32)))
    assert request.apply_writes is True
    assert request.claims_digest == bytes(range(32))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("setApplyWrites()", "Passed 0 arguments but expected 1"),
        ("setClaimsDigest('x')", "Argument must be an ArrayBuffer"),
        (
            "setClaimsDigest(new ArrayBuffer(31))",
            "Argument must be an ArrayBuffer of the right size: 32",
        ),
    ],
)
def test_wrong_arguments_change_nothing(
    evaluate: Evaluate, call: str, message: str
) -> None:
    request = Request()
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.rpc.{call}", [rpc_extension(lambda: request)])
    assert caught.value.reason == f"TypeError: {message}"
    assert (request.claims_digest, request.apply_writes) == (None, None)
