"""``ccf.crypto``."""

import hashlib
from datetime import timedelta

import pytest

from ccfpy.base.limits import JS_CHAIN_CERTIFICATES_MAX
from ccfpy.js.engine import JsException
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.js.conftest import DAYS, EPOCH, Authority, Evaluate


def at_day(day: int) -> list[CryptoExtension]:
    moment = EPOCH + timedelta(days=day)
    return [CryptoExtension(int(moment.timestamp() * 1000), SeededEntropy(b"crypto"))]


def test_sha256_is_the_only_digest(evaluate: Evaluate) -> None:
    body = """
        const digest = new Uint8Array(ccf.crypto.digest("SHA-256", args[0]));
        return Array.from(digest);
    """
    assert bytes(evaluate(body, at_day(1), b"abc")) == hashlib.sha256(b"abc").digest()  # type: ignore[call-overload]  # a list of integers
    with pytest.raises(JsException) as caught:
        evaluate("ccf.crypto.digest('SHA-1', args[0])", at_day(1), b"abc")
    assert caught.value.reason == (
        "RangeError: unsupported digest algorithm, supported: SHA-256"
    )


def test_a_bundle_is_one_certificate_or_more(
    evaluate: Evaluate, authority: Authority
) -> None:
    pem = authority.certificate.pem
    texts = [pem, pem + pem, "", "x", pem[:-40], "\ud800"]
    body = "return args[0].map((pem) => ccf.crypto.isValidX509CertBundle(pem))"
    listed = [text for text in texts if text != "\ud800"]
    assert evaluate(body, at_day(1), listed) == [True, True, False, False, False]
    body = "return ccf.crypto.isValidX509CertBundle('\\ud800')"
    assert evaluate(body, at_day(1)) is False


def test_a_chain_leads_to_a_trusted_authority(
    evaluate: Evaluate, authority: Authority
) -> None:
    body = "return ccf.crypto.isValidX509CertChain(args[0], args[1])"
    root = authority.certificate.pem
    other = Authority.named("Other").certificate.pem
    node, _ = authority.endorse("Node")

    def check(chain: str, trusted: str, day: int = 1) -> object:
        return evaluate(body, at_day(day), chain, trusted)

    assert check(node.pem, root) is True
    assert check(node.pem, other + root) is True
    assert check(node.pem + root, root) is True
    assert check(root, root) is True
    assert check(node.pem, other) is False
    assert check(node.pem + root * (JS_CHAIN_CERTIFICATES_MAX - 1), root) is True
    assert check(node.pem + root * JS_CHAIN_CERTIFICATES_MAX, root) is False
    assert check(node.pem + root, other) is False
    assert check(root, node.pem) is False
    assert check(node.pem, root + node.pem) is False
    assert check(node.pem, root, -1) is False
    assert check(node.pem, root, DAYS + 1) is False
    assert check("", root) is False
    assert check(node.pem, "") is False


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("digest('SHA-256')", "Passed 1 arguments, but expected 2"),
        ("digest('SHA-256', 'x')", "ArrayBuffer object expected"),
        ("isValidX509CertBundle()", "Passed 0 arguments, but expected 1"),
        ("isValidX509CertChain('x')", "Passed 1 arguments, but expected 2"),
    ],
)
def test_wrong_arguments_throw(evaluate: Evaluate, call: str, message: str) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.crypto.{call}", at_day(1))
    assert caught.value.reason == f"TypeError: {message}"
