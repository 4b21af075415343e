"""Every member that CCF's package declares, called right, with too few and with wrong.

The members are those of ``js/ccf-app/src/global.ts``; what their mistakes are called is
in ``src/js/extensions``.
"""

import json

import pytest

from ccfpy.base.ids import TxId
from tests.unit.js.serving.installed import Installed, error_of

COMMA, BARE = ", but expected ", " but expected "
DECLARED: dict[str, tuple[str, set[int]]] = {
    "strToBuf": (f"{COMMA}1", {1}),
    "bufToStr": (f"{COMMA}1", {1}),
    "jsonCompatibleToBuf": (f"{COMMA}1", {1}),
    "bufToJsonCompatible": (f"{COMMA}1", {1}),
    "enableUntrustedDateTime": (f"{COMMA}1", {1}),
    "enableMetricsLogging": (f"{COMMA}1", {1}),
    "pemToId": (f"{COMMA}1", {1}),
    "tcbHexToPolicy": (f"{COMMA}2", {2}),
    "generateAesKey": (f"{COMMA}1", {1}),
    "generateRsaKeyPair": (f"{COMMA}1 or 2", {1, 2}),
    "generateEcdsaKeyPair": (f"{COMMA}1", {1}),
    "wrapKey": (f"{COMMA}3", {3}),
    "digest": (f"{COMMA}2", {2}),
    "isValidX509CertBundle": (f"{COMMA}1", {1}),
    "isValidX509CertChain": (f"{COMMA}2", {2}),
    "crypto.sign": (f"{COMMA}3", {3}),
    "crypto.verifySignature": (f"{COMMA}4", {4}),
    "crypto.generateAesKey": (f"{COMMA}1", {1}),
    "crypto.generateRsaKeyPair": (f"{COMMA}1 or 2", {1, 2}),
    "crypto.generateEcdsaKeyPair": (f"{COMMA}1", {1}),
    "crypto.generateEddsaKeyPair": (f"{COMMA}1", {1}),
    "crypto.wrapKey": (f"{COMMA}3", {3}),
    "crypto.unwrapKey": (f"{COMMA}3", {3}),
    "crypto.digest": (f"{COMMA}2", {2}),
    "crypto.isValidX509CertBundle": (f"{COMMA}1", {1}),
    "crypto.isValidX509CertChain": (f"{COMMA}2", {2}),
    "crypto.pubPemToJwk": (f"{COMMA}1 or 2", {1, 2}),
    "crypto.pemToJwk": (f"{COMMA}1 or 2", {1, 2}),
    "crypto.pubRsaPemToJwk": (f"{COMMA}1 or 2", {1, 2}),
    "crypto.rsaPemToJwk": (f"{COMMA}1 or 2", {1, 2}),
    "crypto.pubEddsaPemToJwk": (f"{COMMA}1 or 2", {1, 2}),
    "crypto.eddsaPemToJwk": (f"{COMMA}1 or 2", {1, 2}),
    "crypto.pubJwkToPem": (f"{COMMA}1", {1}),
    "crypto.jwkToPem": (f"{COMMA}1", {1}),
    "crypto.pubRsaJwkToPem": (f"{COMMA}1", {1}),
    "crypto.rsaJwkToPem": (f"{COMMA}1", {1}),
    "crypto.pubEddsaJwkToPem": (f"{COMMA}1", {1}),
    "crypto.eddsaJwkToPem": (f"{COMMA}1", {1}),
    "consensus.getLastCommittedTxId": (f"{COMMA}0", {0}),
    "consensus.getStatusForTxId": (f"{COMMA}2", {2}),
    "consensus.getViewForSeqno": (f"{COMMA}1", {1}),
    "historical.getStateRange": (f"{COMMA}4", {4}),
    "historical.dropCachedStates": (f"{COMMA}1", {1}),
    "rpc.setApplyWrites": (f"{BARE}1", {1}),
    "rpc.setClaimsDigest": (f"{BARE}1", {1}),
    "kv.t.has": (f"{COMMA}1", {1}),
    "kv.t.get": (f"{COMMA}1", {1}),
    "kv.t.getVersionOfPreviousWrite": (f"{COMMA}1", {1}),
    "kv.t.set": (f"{COMMA}2", {2}),
    "kv.t.delete": (f"{COMMA}1", {1}),
    "kv.t.clear": (f"{COMMA}0", {0}),
    "kv.t.forEach": (f"{COMMA}1", {1}),
}
"""Functions of ``ccf``: what is said of a wrong count, and the right counts."""

COUNTS = [
    (member, count, words)
    for member, (words, right) in DECLARED.items()
    for count in range(6)
    if count not in right
]

BUFFER = "TypeError: Argument must be an ArrayBuffer"
NATIVE_BUFFER = "TypeError: ArrayBuffer object expected"
NO_TEXT = "TypeError: value is not a string"
NO_NAME = "TypeError: cannot read property 'name' of undefined"
ACTION = "{toString() { throw new Error('mine') }}"
SOME = "ccf.strToBuf('x')"
NO_BIGINT = "TypeError: cannot convert bigint to number"
SIGNING = "Unsupported signing algorithm, supported: RSA-PSS, ECDSA, EdDSA"
WRAPPING = "algorithm, supported: RSA-OAEP, AES-KWP, RSA-OAEP-AES-KWP"
WRONG = [
    ("strToBuf(1)", "TypeError: Argument must be a string"),
    ("strToBuf(null)", "TypeError: Argument must be a string"),
    ("strToBuf(new String('x'))", "TypeError: Argument must be a string"),
    ("bufToStr('x')", BUFFER),
    ("bufToStr(new Uint8Array(1))", BUFFER),
    ("bufToStr(undefined)", BUFFER),
    ("jsonCompatibleToBuf(undefined)", "TypeError: Argument must be a string"),
    ("jsonCompatibleToBuf(() => 1)", "TypeError: Argument must be a string"),
    ("bufToJsonCompatible('{}')", BUFFER),
    ("enableMetricsLogging(1)", "TypeError: First argument must be a boolean"),
    ("enableMetricsLogging('')", "TypeError: First argument must be a boolean"),
    ("pemToId(Symbol())", NO_TEXT),
    (f"pemToId({ACTION})", NO_TEXT),
    ("pemToId(Object.create(null))", NO_TEXT),
    ("crypto.digest(Symbol(), 1)", NO_TEXT),
    (
        "crypto.digest('sha-256', 1)",
        "RangeError: unsupported digest algorithm, supported: SHA-256",
    ),
    ("crypto.digest('SHA-256', 'x')", NATIVE_BUFFER),
    ("crypto.digest('SHA-256', new Uint8Array(1))", NATIVE_BUFFER),
    ("digest('SHA-256', null)", NATIVE_BUFFER),
    (f"crypto.sign(undefined, '', {SOME})", NO_NAME),
    (f"crypto.sign({{name: Symbol()}}, '', {SOME})", NO_TEXT),
    (f"crypto.sign({{name: 'ECDSA'}}, Symbol(), {SOME})", NO_TEXT),
    ("crypto.sign({name: 'ECDSA', hash: 'SHA-256'}, '', 'x')", NATIVE_BUFFER),
    (
        f"crypto.sign({{name: 'ECDSA', hash: 'SHA-1'}}, '', {SOME})",
        "RangeError: Unsupported hash algorithm, supported: SHA-256, SHA-384, SHA-512",
    ),
    (
        f"crypto.sign({{name: 'RSA', hash: 'SHA-256'}}, '', {SOME})",
        f"RangeError: {SIGNING}, HMAC",
    ),
    (f"crypto.verifySignature(undefined, '', {SOME}, {SOME})", NO_NAME),
    (f"crypto.verifySignature(undefined, '', {SOME}, 1)", NATIVE_BUFFER),
    (f"crypto.verifySignature(undefined, '', 1, {SOME})", NATIVE_BUFFER),
    (
        f"crypto.verifySignature({{name: 'ECDSA', hash: 'x'}}, '', {SOME}, {SOME})",
        "RangeError: Unsupported hash algorithm, supported: SHA-256",
    ),
    (
        f"crypto.verifySignature({{name: 'X', hash: 'SHA-256'}}, '', {SOME}, {SOME})",
        f"RangeError: {SIGNING}",
    ),
    (
        "crypto.generateAesKey(129)",
        "RangeError: invalid key size (not one of 128, 192, 256)",
    ),
    (
        "crypto.generateEcdsaKeyPair('p-256')",
        "RangeError: Unsupported curve id, supported: secp256r1, secp384r1",
    ),
    (
        "crypto.generateEddsaKeyPair('ed25519')",
        "RangeError: Unsupported curve id, supported: curve25519, x25519",
    ),
    ("crypto.generateEcdsaKeyPair(Symbol())", NO_TEXT),
    (f"crypto.wrapKey('k', {SOME}, {{}})", NATIVE_BUFFER),
    (f"crypto.wrapKey({SOME}, 'k', {{}})", NATIVE_BUFFER),
    (f"crypto.wrapKey({SOME}, {SOME}, undefined)", NO_NAME),
    (
        f"crypto.wrapKey({SOME}, {SOME}, {{name: 'AES'}})",
        f"RangeError: unsupported key wrapping {WRAPPING}",
    ),
    (
        f"crypto.unwrapKey({SOME}, {SOME}, {{}})",
        f"RangeError: unsupported key unwrapping {WRAPPING}",
    ),
    ("crypto.pemToJwk(Symbol())", NO_TEXT),
    ("crypto.pubPemToJwk('', Symbol())", NO_TEXT),
    ("crypto.isValidX509CertBundle(Symbol())", NO_TEXT),
    ("crypto.isValidX509CertChain('', Symbol())", NO_TEXT),
    (
        "consensus.getStatusForTxId(-1, 1)",
        "RangeError: Invalid view or seqno: cannot be negative",
    ),
    ("consensus.getStatusForTxId(1n, 1)", NO_BIGINT),
    ("historical.dropCachedStates(1n)", NO_BIGINT),
    ("crypto.generateAesKey(128n)", NO_BIGINT),
    ("crypto.generateRsaKeyPair(2048n)", NO_BIGINT),
    (
        "consensus.getViewForSeqno(-1)",
        "RangeError: Invalid seqno: cannot be negative",
    ),
    (
        "historical.getStateRange(1, 1, -1, 1)",
        "RangeError: Invalid handle or seqno or expiry: cannot be negative",
    ),
    (
        "historical.dropCachedStates(-1)",
        "RangeError: Invalid handle: cannot be negative",
    ),
    ("rpc.setClaimsDigest('x')", BUFFER),
    (
        "rpc.setClaimsDigest(new ArrayBuffer(31))",
        "TypeError: Argument must be an ArrayBuffer of the right size: 32",
    ),
    ("kv.t.get('x')", BUFFER),
    ("kv.t.has(new Uint8Array(1))", BUFFER),
    ("kv.t.getVersionOfPreviousWrite(1)", BUFFER),
    ("kv.t.delete({})", BUFFER),
    (f"kv.t.set({SOME}, 'x')", "TypeError: Arguments must be ArrayBuffers"),
    (f"kv.t.set('x', {SOME})", "TypeError: Arguments must be ArrayBuffers"),
    ("kv.t.forEach(1)", "TypeError: Argument must be a function"),
]
DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
HEX = (
    "(b) => [...new Uint8Array(b)].map((n) => n.toString(16).padStart(2, '0')).join('')"
)
RIGHT: list[tuple[str, object]] = [
    ("ccf.strToBuf('\u00e9').byteLength", 2),
    ("ccf.strToBuf('').byteLength", 0),
    ("ccf.bufToStr(ccf.strToBuf('a\\0b'))", "a\0b"),
    ("ccf.bufToStr(new Uint8Array([0xff]).buffer)", "\ufffd"),
    ("ccf.bufToStr(ccf.jsonCompatibleToBuf({a: [1, null, undefined]}))",
     '{"a":[1,null,null]}'),
    ("ccf.bufToStr(ccf.jsonCompatibleToBuf(null))", "null"),
    ("ccf.bufToJsonCompatible(ccf.strToBuf('[1, {}]'))", [1, {}]),
    ("[ccf.enableUntrustedDateTime(true), ccf.enableUntrustedDateTime(0)]",
     [True, False]),
    ("[ccf.enableMetricsLogging(false), ccf.enableMetricsLogging(true)]",
     [True, False]),
    (f"({HEX})(ccf.crypto.digest('SHA-256', ccf.strToBuf('abc')))", DIGEST),
    (f"({HEX})(ccf.digest('SHA-256', ccf.strToBuf('abc')))", DIGEST),
    ("[128, 192, 256].map((n) => ccf.crypto.generateAesKey(n).byteLength)",
     [16, 24, 32]),
    ("[ccf.isValidX509CertBundle('x'), ccf.isValidX509CertChain('x', 'y')]",
     [False, False]),
    ("Object.keys(ccf.generateEcdsaKeyPair('secp256r1'))",
     ["privateKey", "publicKey"]),
    ("ccf.consensus.getLastCommittedTxId()", {"view": 2, "seqno": 1}),
    ("ccf.consensus.getStatusForTxId(9, 9)", "Unknown"),
    ("ccf.consensus.getViewForSeqno(99)", None),
    ("ccf.historical.dropCachedStates(7)", False),
    ("ccf.historical.getStateRange(1, 1, 1, 1)", None),
    ("typeof ccf.rpc.setApplyWrites(true)", "undefined"),
    ("typeof ccf.rpc.setClaimsDigest(new ArrayBuffer(32))", "undefined"),
    ("typeof ccf.historicalState", "undefined"),
    (f"[ccf.kv.t.has({SOME}), typeof ccf.kv.t.get({SOME})]", [False, "undefined"]),
    ("typeof ccf.kv.t.getVersionOfPreviousWrite(ccf.strToBuf('x'))", "undefined"),
    (f"ccf.kv.t.set({SOME}, {SOME}).set(ccf.strToBuf('y'), {SOME}).size", 2),
    (f"[typeof ccf.kv.t.delete({SOME}), typeof ccf.kv.t.clear()]",
     ["undefined", "undefined"]),
    ("typeof ccf.kv.t.forEach(() => 1)", "undefined"),
    ("['t' in ccf.kv, Object.keys(ccf.kv)]", [True, []]),
    ("typeof snp_attestation.verifySnpAttestation", "function"),
    ("Object.keys(console)", ["log", "info", "warn", "error"]),
    ("[typeof setTimeout, typeof TextEncoder, typeof require, typeof print]",
     ["undefined"] * 4),
]  # fmt: skip


@pytest.fixture(scope="module")
def guest() -> Installed:
    """An endpoint that evaluates what it is sent."""
    installed = Installed()
    installed.options(return_exception_details=True)
    installed.node.committed = TxId(2, 1)
    source = "return { body: [(0, eval)(request.body.text())] }"
    installed.function(source)
    return installed


def evaluate(guest: Installed, expression: str) -> object:
    """Return an expression's value, or the text of what it throws."""
    answer = guest.call(body=expression.encode())
    if answer.status == 200:
        [value] = json.loads(answer.body)
        return value
    details = error_of(answer)["details"]
    assert isinstance(details, list)
    return details[0]["message"]


@pytest.mark.parametrize("member", DECLARED)
def test_every_declared_function_is_there(guest: Installed, member: str) -> None:
    assert evaluate(guest, f"typeof ccf.{member}") == "function"


@pytest.mark.parametrize(("member", "count", "words"), COUNTS)
def test_arguments_are_counted(
    guest: Installed, member: str, count: int, words: str
) -> None:
    arguments = ", ".join(["1"] * count)
    assert evaluate(guest, f"ccf.{member}({arguments})") == (
        f"TypeError: Passed {count} arguments{words}"
    )


@pytest.mark.parametrize(("call", "reason"), WRONG)
def test_wrong_arguments_throw_as_in_ccf(
    guest: Installed, call: str, reason: str
) -> None:
    assert evaluate(guest, f"ccf.{call}") == reason


@pytest.mark.parametrize(("expression", "value"), RIGHT)
def test_right_arguments_give_what_is_declared(
    guest: Installed, expression: str, value: object
) -> None:
    assert evaluate(guest, expression) == value


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_report_has_two_to_four_parts(guest: Installed, count: int) -> None:
    call = f"snp_attestation.verifySnpAttestation({', '.join(['1'] * count)})"
    assert evaluate(guest, call) == (
        f"TypeError: Passed {count} arguments, but expected between 2 and 4"
    )


def test_a_script_cannot_log_what_has_no_text(guest: Installed) -> None:
    assert evaluate(guest, "console.log(Symbol())") == NO_TEXT
